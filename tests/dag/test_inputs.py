"""Inputs: which schemas are accepted, which defaults are filled in, and what is told of what does not fit."""

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from dag.inputs import InputInvalid, accepted, schema_problems
from dag.schema_cost import heaviest

BACK: Any = {"$ref": "#/$defs/n"}


def recursive(schema: Any) -> Any:
    return {"$defs": {"n": schema}, **BACK}


def problems(value: Any, schema: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputInvalid) as refused:
        accepted(value, schema)
    assert refused.value.code == "input.invalid"
    return [(problem.code, problem.path) for problem in refused.value.problems]


def wrong(schema: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in schema_problems(schema)]


def test_without_a_schema_any_input_is_accepted() -> None:
    assert accepted({"a": [1, None]}, {}) == {"a": [1, None]}


def test_every_problem_of_an_input_is_told_with_its_place() -> None:
    schema: Any = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "c/d": {"type": "integer"},
            "e": {"type": "array", "items": {"minimum": 3}},
            "f": {"format": "email"},
        },
        "additionalProperties": False,
    }
    assert sorted(problems({"c/d": "x", "e": [5, 1], "f": "nobody", "g": 1, "h": 2}, schema)) == [
        ("invalid_value", "/e/1"),
        ("invalid_value", "/f"),
        ("missing_field", "/a"),
        ("missing_field", "/b"),
        ("unknown_field", "/g"),
        ("unknown_field", "/h"),
        ("wrong_type", "/c~1d"),
    ]


def test_a_problem_does_not_repeat_the_input() -> None:
    with pytest.raises(InputInvalid) as refused:
        accepted({"token": "geheim"}, {"properties": {"token": {"type": "integer"}}})
    assert "geheim" not in str(refused.value.details)


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, float("nan"), float("inf")])
def test_numbers_that_do_not_survive_json_are_refused(value: float) -> None:
    assert problems({"a": [value]}, {}) == [("number_range", "/a/0")]


def test_the_largest_integers_that_survive_json_are_accepted() -> None:
    assert accepted([2**53, -(2**53)], {}) == [2**53, -(2**53)]


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_text_that_cannot_be_stored_is_refused(value: str) -> None:
    assert problems({"a": value}, {}) == [("not_accepted", "/a")]


DEFAULTED: Any = {
    "properties": {
        "limit": {"default": 1000},
        "inner": {"properties": {"deep": {"properties": {"flag": {"default": False}}}, "list": {"default": [1]}}},
        "lines": {"items": {"properties": {"count": {"default": 1}}}},
        "pair": {"prefixItems": [{"properties": {"first": {"default": "a"}}}], "items": {"$ref": "#/$defs/named"}},
        "named": {"$ref": "#/$defs/named"},
        "born": {"default": {"x": 1}, "properties": {"y": {"default": 2}}},
        "borrowed": {"$ref": "#/$defs/default"},
    },
    "additionalProperties": {"properties": {"other": {"default": 0}}},
    "allOf": [{"properties": {"always": {"default": "yes"}}}],
    "anyOf": [{"properties": {"any": {"default": 1}}}],
    "oneOf": [{"properties": {"one": {"default": 1}}}],
    "if": {"properties": {"if": {"default": 1}}},
    "then": {"properties": {"then": {"default": 1}}},
    "else": {"properties": {"else": {"default": 1}}},
    "dependentSchemas": {"limit": {"properties": {"dependent": {"default": 1}}}},
    "$defs": {"named": {"properties": {"name": {"default": "?"}}}, "default": {"default": 5}},
}


def test_defaults_of_properties_are_filled_in_at_any_depth() -> None:
    value: Any = {"inner": {"deep": {}}, "lines": [{}, {"count": 3}, 5], "pair": [{}, {}], "named": {}, "more": {}}
    assert accepted(value, DEFAULTED) == {
        "inner": {"deep": {"flag": False}, "list": [1]},
        "lines": [{"count": 1}, {"count": 3}, 5],
        "pair": [{"first": "a"}, {"name": "?"}],
        "named": {"name": "?"},
        "more": {"other": 0},
        "limit": 1000,
        "born": {"x": 1, "y": 2},
        "borrowed": 5,
        "always": "yes",
    }


def test_a_missing_object_is_not_made_to_hold_defaults() -> None:
    filled: Any = accepted({}, DEFAULTED)
    assert {"inner", "named"}.isdisjoint(filled)


def test_what_is_given_is_kept_even_when_null() -> None:
    filled: Any = accepted({"limit": None, "always": 0}, DEFAULTED)
    assert (filled["limit"], filled["always"]) == (None, 0)


def test_filling_in_changes_neither_input_nor_schema() -> None:
    value: Any = {"inner": {"deep": {}}}
    schema = copy.deepcopy(DEFAULTED)
    first: Any = accepted(value, schema)
    first["inner"]["list"].append(2)
    assert value == {"inner": {"deep": {}}}
    assert schema == DEFAULTED
    assert accepted(value, schema) == accepted(value, DEFAULTED)


def test_a_default_has_to_fit_like_any_other_value() -> None:
    assert problems({}, {"properties": {"a": {"type": "string", "default": 1}}}) == [("wrong_type", "/a")]


def test_defaults_follow_a_schema_that_refers_to_itself() -> None:
    schema: Any = {
        "$defs": {"n": {"properties": {"v": {"default": 0}, "next": {"$ref": "#/$defs/n"}}}},
        "$ref": "#/$defs/n",
    }
    assert schema_problems(schema) == []
    assert accepted({"next": {"next": {}}}, schema) == {"v": 0, "next": {"v": 0, "next": {"v": 0}}}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({"type": "strin"}, [("invalid_schema", "/type")]),
        ({"properties": {"a": {"minimum": "x"}, "b": 1}},
         [("invalid_schema", "/properties/a/minimum"), ("invalid_schema", "/properties/b")]),
        ({"pattern": "("}, [("invalid_schema", "/pattern")]),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, [("invalid_schema", "/$schema")]),
        ({"properties": {"a": {"$ref": "https://example.com/a.json"}}}, [("invalid_schema", "/properties/a/$ref")]),
        ({"$ref": "file:///etc/passwd"}, [("invalid_schema", "/$ref")]),
        ({"$ref": "other.json"}, [("invalid_schema", "/$ref")]),
        ({"$dynamicRef": "https://example.com/a"}, [("invalid_schema", "/$dynamicRef")]),
        ({"$ref": "#/$defs/none"}, [("invalid_schema", "/$ref")]),
        ({"$ref": "#none"}, [("invalid_schema", "/$ref")]),
        ({"$defs": {"a": {"$id": "https://example.com/a"}}}, [("invalid_schema", "/$defs/a/$id")]),
        ({"$ref": "#"}, [("invalid_schema", "")]),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
         [("invalid_schema", "")]),
        ({"title": "a\0"}, [("not_accepted", "/title")]),
        (5, [("invalid_schema", "")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_schema_is_told_with_its_place(schema: Any, found: list[tuple[str, str]]) -> None:
    assert sorted(wrong(schema)) == found


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/root"},
        {"properties": {"$ref": {"type": "string"}}, "default": {"$ref": "https://example.com"}},
        {"$defs": {"a b": {"$anchor": "x"}}, "allOf": [{"$ref": "#x"}, {"$ref": "#/$defs/a%20b"}]},
        {"$defs": {"n": {"properties": {"l": {"$ref": "#/$defs/n"}, "r": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
        {"properties": {"next": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}},
        {"items": {"$ref": "#"}, "properties": {"child": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
    ],
)
def test_an_ordinary_schema_is_accepted(schema: Any) -> None:
    assert schema_problems(schema) == []


def doubling(steps: int) -> Any:
    chain: Any = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(steps)}
    return {"$defs": {**chain, f"d{steps}": {"type": "string"}}, "$ref": "#/$defs/d0"}


HOSTILE: dict[str, Any] = {
    "doubling": doubling(40),
    "doubling inside": recursive({"properties": {"a": {"allOf": [BACK, BACK]}}}),
    "growing by two ways": recursive({"properties": {"a": {"anyOf": [BACK, {"properties": {"a": BACK}}]}}}),
    "growing in lists": recursive({"items": BACK, "contains": BACK}),
    "much that is wrong": {"properties": {f"p{n}": {"type": n, "minimum": "x"} for n in range(100_000)}},
    "a little less": {"properties": {f"p{n}": {"type": n} for n in range(2_000)}},
    "large pattern": {"pattern": "(a{1000}){1000}"},
    "many patterns": {
        "properties": {f"p{n}": {} for n in range(5000)},
        "patternProperties": {f"p{n}": {} for n in range(1000)},
    },
    "many of one": {"allOf": [{"minimum": n} for n in range(20_000)]},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_schema_that_asks_for_too_much_is_refused_soon(schema: Any) -> None:
    begun = time.process_time()
    assert {code for code, _ in wrong(schema)} == {"invalid_schema"}
    assert time.process_time() - begun < 5


HARD: dict[str, tuple[Any, Any]] = {
    "a pattern that backtracks": ("a" * 60 + "b", {"pattern": "(?=a)^(a|a)*\\1$"}),
    "many wrong items": (["a"] * 500_000, {"items": {"type": "integer"}}),
    "large wrong items": ([["a"] * 1000] * 500, {"items": {"anyOf": [{"type": "integer"}] * 50}}),
    "every item asked much": ([1] * 100_000, {"items": {"allOf": [{"minimum": n} for n in range(5_000)]}}),
}


@pytest.mark.parametrize(("value", "schema"), HARD.values(), ids=HARD)
def test_an_input_that_is_hard_to_check_is_refused_soon(value: Any, schema: Any) -> None:
    assert schema_problems(schema) == []
    begun = time.process_time()
    assert problems(value, schema)
    assert time.process_time() - begun < 5


@st.composite
def schemas(draw: st.DrawFn) -> Any:
    """Small schemas with references among three definitions, that may go round."""
    ref = st.sampled_from(["#/$defs/a", "#/$defs/b", "#/$defs/c", "#"]).map(lambda name: {"$ref": name})
    plain = st.sampled_from([{}, True, {"type": "string"}, {"type": "object"}, {"minimum": 3}])
    schema = st.recursive(
        plain | ref,
        lambda inner: st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
                "additionalProperties": inner,
                "items": inner,
                "allOf": st.lists(inner, min_size=1, max_size=2),
                "anyOf": st.lists(inner, min_size=1, max_size=2),
                "not": inner,
            },
        ),
        max_leaves=5,
    )
    root: Any = draw(schema.filter(lambda one: isinstance(one, dict)))
    return {**root, "$defs": {name: draw(schema) for name in "abc"}}


inputs: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 5) | st.sampled_from(["", "a", None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=100)
@given(schemas(), inputs)
def test_an_input_is_accepted_exactly_when_it_fits(schema: Any, value: Any) -> None:
    if schema_problems(schema):
        return
    fits = Draft202012Validator(schema).is_valid(value)
    try:
        assert accepted(value, schema) == value
        assert fits
    except InputInvalid:
        assert not fits


@settings(deadline=None, max_examples=100)
@given(schemas())
def test_a_schema_that_never_comes_back_to_one_place_is_affordable(schema: Any) -> None:
    """Without references there is nothing to grow by."""
    flat = {key: value for key, value in schema.items() if key != "$defs"}
    if "$ref" not in str(flat):
        assert heaviest(flat) is not None
