"""What an audit of an expression says, and that nothing of what is masked stands in it."""

import pytest
from pydantic import JsonValue

from dag import expressions
from dag.auditing import MOST_PARTS, Audited, audit
from dag.engine import Moment
from dag.expressions import WIDE

MOMENT = Moment(1_700_000_000_000, 7)
SECRET = "xyzzy-plugh"
SCOPE: dict[str, JsonValue] = {
    "input": {"limit": 5, "name": "Ada", "rows": [*range(1000)]},
    "nodes": {"a": {"output": {"token": SECRET, "total": 12, "rows": [{"pin": SECRET, "n": 1}, {"pin": "2", "n": 2}]}}},
}
MASKS = {"a": ("/token", "/rows/*/pin")}


def told(source: str, *, masks: dict[str, tuple[str, ...]] | None = None, is_condition: bool = True) -> Audited:
    return audit(source, SCOPE, MOMENT, MASKS if masks is None else masks, is_condition=is_condition)


def shown(audited: Audited) -> dict[str, JsonValue]:
    return {part.expression: part.value if part.shown == "value" else part.shown for part in audited.parts}


@pytest.mark.parametrize(
    "source",
    [
        "nodes.a.output.token = 'x'",
        "$uppercase(nodes.a.output.token) & input.name",
        "nodes.a.output.rows[pin = 'x'].n = 1",
        "$exists(nodes.a.output.rows.(pin & 'x'))",
        "($x := nodes.a.output.token; $x & 'x' != 'no')",
        "($f := function($y){ nodes.a.output.token & $y }; $f('x') = 'y')",
        "$count(nodes.a.output.rows.pin[$ != 'x']) > 0",
        "$lookup(nodes.a.output, 'token') = 'x' or input.limit > 3",
        "nodes.a.output ~> |$|{'total': 1}|",
        "nodes.a.output.rows{pin: n}",
        "nodes.a.output.rows^(pin)[0].pin = 'x'",
        "$error(nodes.a.output.token)",
        "$filter(nodes.a.output.rows, function($r){ $r.pin = 'x' })",
        "{'t': nodes.a.output.token}.t = 'x'",
        "$map([1..200], function($n){ nodes.a.output.token & $n })",
        "$count(input.rows[$ > 3 and $$.nodes.a.output.token != 'x']) > 1",
        "nodes.a.output.*",
        "nodes.a.output.**",
    ],
)
@pytest.mark.parametrize("is_condition", [True, False])
def test_nothing_masked_is_in_an_audit(source: str, is_condition: bool) -> None:  # noqa: FBT001 a parameter of the test
    for masks in (MASKS, {"a": ("",)}, {"a": ("/*",)}):
        audited = told(source, masks=masks, is_condition=is_condition)
        assert SECRET not in repr(audited).lower() + repr(audited)
        assert audited.masked or audited.error is not None


def test_beside_what_is_masked_the_rest_is_shown() -> None:
    audited = told("nodes.a.output.token = 'x' or nodes.a.output.total > input.limit")
    assert (audited.result, audited.masked) == (True, True)
    assert shown(audited) == {
        "nodes.a.output.token = 'x' or nodes.a.output.total > input.limit": True,
        "nodes.a.output.token = 'x'": False,
        "nodes.a.output.token": "masked",
        "nodes.a.output.total > input.limit": True,
        "nodes.a.output.total": 12,
        "input.limit": 5,
    }


@pytest.mark.parametrize(
    "source",
    [
        "$count(nodes.a.output.rows) = 2",
        "$filter(nodes.a.output.rows, function($r){ $r.n > 1 }).n = 2",
        "nodes.a.output.rows[n > 1].n = 2",
        "($x := nodes.a.output; $x.total > 3)",
        "$sort(nodes.a.output.rows, function($l, $r){ $l.n < $r.n })[0].n = 2",
    ],
)
def test_what_is_masked_is_not_in_a_value_on_the_way_either(source: str) -> None:
    for masks in (MASKS, {"a": ("/rows/*/pin", "/token", "/rows/0/pin")}):
        audited = told(source, masks=masks)
        assert audited.result is True
        assert SECRET not in repr(audited)


@pytest.mark.parametrize(
    "source",
    ["input.nope", "input.limit > 3", "input.name", "$random() > 0.5", "$now() > '2'", "input.rows[$ > 998]"],
)
def test_an_audit_comes_to_what_the_expression_does(source: str) -> None:
    assert told(source).result == expressions.condition(source, SCOPE, MOMENT, WIDE)
    value = expressions.evaluate(source, SCOPE, MOMENT, WIDE)
    assert told(source, is_condition=False).result == (None if value is expressions.MISSING else value)


def test_places_are_those_in_the_expression() -> None:
    source = "input.limit > 3 and input.name = 'Ada'"
    assert all(source[part.at :].startswith(part.expression) for part in told(source).parts)


def test_a_part_that_finds_nothing_and_one_that_fails_say_so() -> None:
    audited = told("input.nope = 1 or input.name > 3")
    assert (audited.result, audited.error and audited.error.code) == (False, "expression.type")
    assert (shown(audited)["input.nope"], shown(audited)["input.name > 3"]) == ("nothing", "error")


def test_an_audit_has_a_bound() -> None:
    some = told("$count($filter(input.rows[[0..99]], function($r){ $r > 3 })) > 10 and input.limit = 5")
    assert (some.result, some.more, len(some.parts) < MOST_PARTS) == (True, True, True)
    assert shown(some)["input.limit = 5"] is True
    long = told("$count($filter($append(input.rows, input.rows), function($r){ $r > 3 })) > 10")
    assert (long.result, long.parts, long.more) == (True, [], True)
