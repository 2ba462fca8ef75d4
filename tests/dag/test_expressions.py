"""Expressions: what they read, what they yield, and what is said when they fail."""

import math
import types
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.errors import PerdureError
from dag.expressions import (
    INLINE,
    MISSING,
    WIDE,
    Budget,
    Expression,
    ExpressionBudget,
    ExpressionDynamic,
    ExpressionFailed,
    ExpressionSyntax,
    ExpressionType,
    Form,
    Missing,
    Moment,
    References,
    as_items,
    as_text,
    condition,
    evaluate,
    parse,
)

MOMENT = Moment(now_ms=1_700_000_000_000, seed=7)
BOTH = pytest.mark.parametrize("budget", [INLINE, WIDE], ids=["inline", "wide"])

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def value(source: str, budget: Budget = INLINE, **scope: Any) -> JsonValue | Missing:
    return evaluate(source, scope, MOMENT, budget)


# What they read


def test_references_name_nodes_with_their_fields_and_roots_with_theirs() -> None:
    source = "input.items[qty > $$.vars.least].sku & nodes.fetch.output.body & nodes.pay.status & env.url"
    source += " & $string(nodes.ask) & $exists(nodes.tell)"
    found = parse(source).references
    assert found.nodes == {"fetch": {"output"}, "pay": {"status"}, "ask": None, "tell": None}
    assert found.roots == {"input": {"items"}, "vars": {"least"}, "env": {"url"}}


def test_a_root_may_be_read_as_a_whole() -> None:
    assert parse("$keys(input)").references.roots == {"input": None}


def test_names_within_a_step_belong_to_the_item() -> None:
    assert parse("input.items.(qty * price)").references.roots == {"input": {"items"}}


def test_an_expression_without_names_reads_nothing() -> None:
    found = parse("1 + 1").references
    assert (found.roots, found.nodes) == ({}, {})


def test_what_an_expression_binds_is_no_reference() -> None:
    found = parse("($n := nodes.fetch; $f := function($x) { $x.a }; $f($n.output))").references
    assert (found.roots, found.nodes) == ({}, {"fetch": {"output"}})


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("nodes", 5),
        ("1 + $count(nodes)", 16),
        ("nodes.*", 5),
        ("nodes[id = 'x']", 5),
        ("$lookup(nodes, input.id)", 13),
        ("$keys(secrets)", 13),
        ("$string($)", 9),
        ("$$", 2),
        ("$keys($$)", 8),
        ("*", 1),
        ("**.output", 2),
        ("input.(%.nodes)", 14),
        ("$exists(nodes)", 13),
        ("$count(secrets)", 14),
        ("$eval('1')", 5),
        ("($e := $eval; $e('1'))", 12),
    ],
)
def test_reading_what_cannot_be_known_beforehand_is_refused(source: str, position: int | None) -> None:
    with pytest.raises(ExpressionDynamic) as caught:
        parse(source)
    assert caught.value.code == "expression.dynamic"
    assert details(caught.value)["position"] == position


@pytest.mark.parametrize(
    ("source", "position", "hint"),
    [
        ("1 +", 3, "Unexpected end"),
        ("$sum(", 5, 'Expected ")"'),
        ("'abc", 4, "quote"),
        ("a == b", 4, "single `=`"),
        ("a && b", 4, "`and`"),
        ("a || b", 3, "`or`"),
        ("!a", 1, "`$not(…)`"),
        ("a => b", 4, "function($x)"),
        ("", 0, "Unexpected end"),
        ("$uppercas(a)", 9, "`$uppercase`"),
        ("1 + $total", 10, "$name :="),
        ("1 + total(2)", 9, "`$total` is not known"),
        ("input.__proto__.$constructor()", 28, "is not known"),
        ("'\ud800'", 1, "half of a character"),
    ],
)
def test_what_does_not_parse_is_told_with_place_and_hint(source: str, position: int, hint: str) -> None:
    with pytest.raises(ExpressionSyntax) as caught:
        parse(source)
    assert caught.value.code == "expression.failed"
    assert details(caught.value)["position"] == position
    assert hint in caught.value.message
    caught.value.value().model_dump_json()


def test_a_list_that_is_too_long_as_written_is_refused_before_it_runs() -> None:
    parse("[1..100000]")
    with pytest.raises(ExpressionBudget, match="character 4"):
        parse("[1..100001]")


def test_an_expression_has_a_length() -> None:
    with pytest.raises(ExpressionSyntax, match="65536 bytes"):
        parse("'" + "é" * 40_000 + "'")


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(source: str) -> None:
    try:
        parse(source)
    except (ExpressionSyntax, ExpressionDynamic, ExpressionBudget) as error:
        error.value().model_dump_json()


# What they yield


@BOTH
def test_missing_is_not_null(budget: Budget) -> None:
    assert value("a.b", budget, a={}) is MISSING
    assert value("a.b", budget, a={"b": None}) is None
    assert value("$distinct(a.b)", WIDE, a={}) is MISSING
    assert value("a[b = 1]", budget, a=[]) is MISSING
    assert value("null", budget) is None
    assert value("(a; null)", budget) is None


@BOTH
@given(found=json_values)
def test_data_comes_back_as_it_went_in(budget: Budget, found: JsonValue) -> None:
    if budget.apart and isinstance(found, str) and "\0" in found:
        return
    assert value("a.b", budget, a={"b": found}) == found


@BOTH
def test_a_result_is_never_a_part_of_the_data(budget: Budget) -> None:
    data: dict[str, Any] = {"list": [1, {"x": 2}]}
    found: Any = value("a", budget, a=data)
    found["list"].append(3)
    assert data == {"list": [1, {"x": 2}]}


@BOTH
def test_functions_and_numbers_beyond_json_are_no_results(budget: Budget) -> None:
    with pytest.raises(ExpressionType, match="yields a function"):
        value("$uppercase", budget)
    with pytest.raises(ExpressionFailed, match="number that JSON cannot hold"):
        value("0 / 0", budget)
    with pytest.raises(ExpressionFailed, match="out of range"):
        value("1 / 0", budget)


@BOTH
def test_numbers_beyond_the_exact_integers_are_floats(budget: Budget) -> None:
    assert repr(value("a + 1", budget, a=2**52)) == "4503599627370497"
    assert repr(value("a * 4", budget, a=2**53)) == "3.602879701896397e+16"
    found: Any = value("[a * 4, {'b': a * 1e9}, 1.0]", budget, a=2**53)
    assert [type(found[0]), type(found[1]["b"]), type(found[2])] == [float, float, int]


@BOTH
def test_a_result_has_a_depth(budget: Budget) -> None:
    def nested(depth: int) -> Any:
        found: Any = 1
        for _ in range(depth):
            found = [found]
        return found

    assert value("a", budget, a=nested(240)) == nested(240)
    with pytest.raises(ExpressionBudget, match="240 lists"):
        value("a", budget, a=nested(242))
    with pytest.raises(ExpressionBudget):
        value("a", budget, a=nested(5_000))


@BOTH
@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\0", "\u2028", "😀", "'\"`\\/*"])
def test_no_text_is_too_strange(budget: Budget, text: str) -> None:
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert value("$distinct([a & a])", WIDE, a=text) == [clean + clean]
    assert value("a & a", budget, a=text) == clean + clean
    assert value("$keys(a)", budget, a={text: 1}) == clean
    assert condition("a = a", {"a": text}, MOMENT, budget)


@BOTH
def test_time_and_chance_come_from_the_moment(budget: Budget) -> None:
    assert value("$now()", budget) == "2023-11-14T22:13:20.000Z"
    assert value("$millis()", budget) == MOMENT.now_ms
    numbers = [evaluate("[$random(), $random()]", {}, Moment(0, seed), budget) for seed in (1, 1, 2)]
    assert numbers[0] == numbers[1] != numbers[2]


def test_an_expression_yields_the_same_within_and_apart() -> None:
    source = "[$random(), $now(), $shuffle(a), $string(0.1 + 0.2), 7 / 2, a[0]]"
    assert value(source, a=[1, 2, 3]) == value(f"$distinct([0]) ~> $map(function() {{ {source} }})", WIDE, a=[1, 2, 3])


def test_a_scope_may_be_any_mapping() -> None:
    scope: Mapping[str, JsonValue] = types.MappingProxyType({"a": 1})
    assert evaluate("a + 1", scope, MOMENT, INLINE) == 2
    assert evaluate("$distinct([a])", scope, MOMENT, WIDE) == [1]


def test_a_scope_that_is_not_json_is_our_own_mistake() -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        value("a", a={1, 2})
    assert not isinstance(caught.value, PerdureError)


# Conditions


@BOTH
@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("a > 1", True),
        ("a > 2", False),
        ("gone", False),
        ("gone > 1", False),
        ("nothing", False),
        ("''", False),
        ("'x'", True),
        ("[]", False),
        ("[0, 0]", False),
        ("[0, 1]", True),
        ("{}", False),
        ("0", False),
        ("$count", False),
        ("$x := a", True),
        ("a ? nothing : a", False),
        ("/x/", False),
    ],
)
def test_a_condition_holds_as_boolean_says(budget: Budget, source: str, holds: bool) -> None:  # noqa: FBT001
    assert condition(source, {"a": 2, "nothing": None}, MOMENT, budget) is holds


@BOTH
def test_comparing_null_or_text_with_a_number_is_an_error(budget: Budget) -> None:
    for source in ("nothing > 1", "text > 1", "1 <= text"):
        with pytest.raises(ExpressionType):
            condition(source, {"nothing": None, "text": "x"}, MOMENT, budget)


@BOTH
def test_errors_name_the_place_in_what_was_written(budget: Budget) -> None:
    places: list[Any] = []
    for ask in (evaluate, condition):
        with pytest.raises(ExpressionType) as caught:
            ask("a and ('x' + 1)", {"a": True}, MOMENT, budget)
        places.append(details(caught.value))
    assert places[0] == places[1] == {"expression": "a and ('x' + 1)", "position": 12, "reason": "T2001"}


# What is said when they fail


@BOTH
@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("secret + 1", "expression.type"),
        ("-secret", "expression.type"),
        ("secret > 1", "expression.type"),
        ("$number(secret)", "expression.failed"),
        ("$toMillis(secret)", "expression.failed"),
        ("$length([secret])", "expression.type"),
        ("$sum([secret])", "expression.type"),
        ("$formatBase(99, $length(secret) + 40)", "expression.failed"),
        ("$fromMillis(1, secret & '[')", "expression.failed"),
        ("{secret: 1, secret & '': 2}", "expression.failed"),
        ("{$number(1): secret}", "expression.type"),
        ("rows^(k)", "expression.type"),
        ("rows^($$.rows)", "expression.type"),
        ("$sort(rows)", "expression.type"),
        ("$decodeUrl(secret & '%')", "expression.failed"),
        ("$single(rows)", "expression.failed"),
    ],
)
def test_no_error_shows_data(budget: Budget, source: str, code: str) -> None:
    with pytest.raises(PerdureError) as caught:
        value(source, budget, secret="hunter2", rows=[{"k": "hunter2"}, {"k": 1}])
    assert caught.value.code == code
    assert "hunter2" not in caught.value.value().model_dump_json()
    assert caught.value.message.startswith("The expression fails")
    assert "it fails" not in caught.value.message.removeprefix("The expression fails")


@BOTH
def test_only_the_author_puts_data_into_an_error(budget: Budget) -> None:
    with pytest.raises(ExpressionFailed, match=r"^no stock for x1$"):
        value("$error('no stock for ' & sku)", budget, sku="x1")
    with pytest.raises(ExpressionFailed, match=r"^must be paid$"):
        value("$assert(paid, 'must be paid')", budget, paid=False)


def test_an_error_quotes_no_more_than_the_beginning_of_an_expression() -> None:
    with pytest.raises(ExpressionType) as caught:
        value("'x' + " + " + ".join(["1"] * 100))
    assert len(details(caught.value)["expression"]) == 301


def test_a_budget_is_enforced_step_by_step() -> None:
    small = Budget(steps=100, depth=10, string=10, array=10, result=20, seconds=None)
    for source in ("$sum(a.(b + 1))", "a.b", "'12345678901' & ''", "['a long text', 'another one']"):
        with pytest.raises(ExpressionBudget) as caught:
            evaluate(source, {"a": [{"b": n} for n in range(50)]}, MOMENT, small)
        assert not caught.value.by_clock


def test_what_exceeds_the_small_budget_fits_the_wide_one() -> None:
    source = "$sum(rows.(qty * price))"
    rows: Any = [{"qty": n, "price": 2} for n in range(9_000)]
    with pytest.raises(ExpressionBudget):
        value(source, rows=rows)
    assert value(source, WIDE, rows=rows) == 80_991_000


# Helpers for what computes with the results


def test_items_of_nothing_of_one_and_of_many() -> None:
    assert as_items(MISSING) == as_items(None) == []
    assert as_items(0) == [0]
    assert as_items({"a": 1}) == [{"a": 1}]
    assert as_items([1, None]) == [1, None]


@given(json_values)
def test_text_is_what_string_makes_of_it(found: JsonValue) -> None:
    expected = "" if found is None else value("$string(a.b)", a={"b": found})
    assert as_text(found) == expected


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (MISSING, ""),
        (None, ""),
        (True, "true"),
        (1.0, "1"),
        (0.1 + 0.2, "0.3"),
        (1e21, "1e+21"),
        (2**60, "1152921504606847000"),
        (-0.0, "0"),
        ({"a": [1, None, "é"]}, '{"a":[1,null,"é"]}'),
        ([], "[]"),
        ("\ud800", "\ud800"),
        (["\ud800"], '["\ufffd"]'),
    ],
)
def test_text_of_values(found: Any, text: str) -> None:
    assert as_text(found) == text
    assert not isinstance(found, float) or math.isfinite(found)


def details(error: PerdureError) -> dict[str, Any]:
    assert isinstance(error.details, dict)
    return error.details


SCALARS = st.text(max_size=3) | st.booleans() | st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@given(
    st.fixed_dictionaries({"nodes": VALUES, "input": VALUES}), st.lists(st.sampled_from("abc"), min_size=1, max_size=4)
)
def test_a_path_that_is_seen_at_once_gives_what_the_engine_gives(scope: dict[str, Any], names: list[str]) -> None:
    path = ".".join(["input", *names])
    assert parse(f" {path}\n").path == ("input", *names)
    assert parse(f"({path})").path == ()
    seen = evaluate(path, scope, MOMENT, INLINE)
    computed = evaluate(f"({path})", scope, MOMENT, INLINE)
    assert (type(seen), seen) == (type(computed), computed)


@pytest.mark.parametrize(
    "source", ["input.true", "input.and", "input.$a", "input", "input.b[0]", "input.é", "input. a", "1.5", "input.*"]
)
def test_what_may_be_more_than_a_path_is_left_to_the_engine(source: str) -> None:
    assert Expression(source, References({}, {}), Form(source, source, None)).path == ()
