"""Where two JSON values differ is told by place."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.differences import MOST, differences

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=10,
)


def test_what_is_missing_new_or_other_is_told_in_the_order_in_which_it_stands() -> None:
    before: JsonValue = {"gone": 1, "same": [1, {"a/b": 2}], "kind": 1}
    after: JsonValue = {"same": [1, {"a/b": 3}, 4], "kind": True, "new": None}
    assert [(each.path, each.kind, each.before, each.after) for each in differences(before, after)] == [
        ("/gone", "removed", 1, None),
        ("/new", "added", None, None),
        ("/same/2", "added", None, 4),
        ("/same/1/a~1b", "changed", 2, 3),
        ("/kind", "changed", 1, True),
    ]


def test_what_is_large_is_not_shown_and_what_is_much_is_cut_off() -> None:
    (large,) = differences("x" * 5_000, "y")
    assert (large.before, large.after, large.cut) == (None, "y", True)
    assert len(differences(list(range(500)), cast(JsonValue, []))) == MOST


@given(VALUES, VALUES)
def test_values_differ_when_a_difference_is_told(one: JsonValue, other: JsonValue) -> None:
    assert differences(one, one) == []
    assert bool(differences(one, other)) == (repr(_sorted(one)) != repr(_sorted(other)))


def _sorted(value: JsonValue) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
