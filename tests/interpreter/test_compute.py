"""What control words and configs come to, computed by themselves: the same within a workflow task and outside it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.expressions import INLINE, WIDE, Budget, ExpressionBudget, Moment
from dag.invocation import SecretText
from dag.limits import DEFAULTS
from interpreter.compute import compute
from interpreter.computing import INLINE_UNTIMED
from interpreter.evaluator import INLINE_ITEMS
from interpreter.job import Computed, Job
from tests.interpreter.documents import document
from tests.interpreter.publishing import published

NOON = Moment(1_767_268_800_000, 7)
"""2026-01-01T12:00:00Z."""
ITEMS = st.lists(st.integers(-20, 20) | st.text("ab", max_size=3) | st.none() | st.booleans(), max_size=12)


def job(type: str, config: dict[str, Any] | None = None, *, wired: tuple[str, ...] = (), **fields: Any) -> Job:
    """A node as the compiler leaves it."""
    node = {"type": type, **({} if config is None else {"config": config}), **fields}
    [compiled] = published(document({"n": node})).graph.nodes
    return Job(compiled.type, compiled.config, compiled.when, wired)


def computed(job: Job, input: JsonValue = None, *, budget: Budget = INLINE_UNTIMED) -> Computed:
    return compute(job, {"input": input}, NOON, budget)


def output(type: str, config: dict[str, Any], input: JsonValue = None) -> JsonValue:
    """What a word computes that ends at once."""
    return done(job(type, config), input)


def done(job: Job, input: JsonValue) -> JsonValue:
    result = computed(job, input)
    assert (result.kind, result.port) == ("done", "out"), result
    return result.value


def error(job: Job, input: JsonValue = None) -> ErrorValue:
    """What a word fails with."""
    result = computed(job, input)
    assert (result.kind, result.port) == ("fail", None), result
    return ErrorValue.model_validate(result.value)


MAP = {"items": "input", "expression": "item"}
FILTER = {"items": "input", "condition": "true"}
REDUCE = {"items": "input", "initial": "'none'", "expression": "result & item"}
SORT = {"items": "input", "by": "item"}
GROUP = {"items": "input", "by": "item"}
SPLIT = {"items": "input", "size": 2}


@pytest.mark.parametrize(
    ("type", "config", "nothing", "single"),
    [
        ("map", MAP, [], [7]),
        ("filter", FILTER, [], [7]),
        ("reduce", REDUCE, "none", "none7"),
        ("sort", SORT, [], [7]),
        ("group", GROUP, {}, {"7": [7]}),
        ("split", SPLIT, [], [[7]]),
    ],
)
def test_no_items_are_none_and_a_single_value_is_one(
    type: str, config: dict[str, Any], nothing: JsonValue, single: JsonValue
) -> None:
    assert output(type, {**config, "items": "input.none"}) == nothing
    assert output(type, config, None) == nothing
    assert output(type, config, []) == nothing
    assert output(type, config, 7) == single
    assert output(type, config, [7]) == single


NUMBERED = job("map", {"items": "input", "expression": "[index, item]"})
NOTHING = job("map", {"items": "input", "expression": "item.none"})
EVERY_OTHER = job("filter", {"items": "input", "condition": "index % 2 = 0"})


@given(ITEMS)
def test_map_has_a_result_for_every_item_and_null_for_nothing(items: list[JsonValue]) -> None:
    assert done(NUMBERED, items) == [[index, item] for index, item in enumerate(items)]
    assert done(NOTHING, items) == [None] * len(items)


@given(ITEMS)
def test_filter_keeps_the_items_as_they_are_and_in_order(items: list[JsonValue]) -> None:
    assert done(EVERY_OTHER, items) == items[::2]


def test_a_filter_that_keeps_one_item_gives_a_list_of_one() -> None:
    assert output("filter", {"items": "input", "condition": "item = 2"}, [1, 2, 3]) == [2]
    assert output("filter", {"items": "input", "condition": "item.none"}, [1, 2, 3]) == []
    assert output("filter", {"items": "input", "condition": "$count(item) = 2"}, [[1], [2, 3]]) == [[2, 3]]


def test_reduce_goes_from_left_to_right_and_takes_nothing_for_null() -> None:
    assert output("reduce", REDUCE, ["a", "b"]) == "noneab"
    config = {"items": "input", "initial": "input.none", "expression": "$append(result, index)"}
    assert output("reduce", config, ["a", "b"]) == [None, 0, 1]
    vanishing = {"items": "input", "initial": "1", "expression": "item.none"}
    assert output("reduce", vanishing, ["a", "b"]) is None


SORTS = {
    descending: job("sort", {"items": "input", "by": "item.key", "order": "descending" if descending else "ascending"})
    for descending in (True, False)
}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**53), 2**53))), st.booleans())
def test_sort_keeps_the_order_of_equals_both_ways(rows: list[tuple[int, int]], descending: bool) -> None:  # noqa: FBT001 Hypothesis calls it
    items: list[JsonValue] = [{"key": key, "n": n} for key, n in rows]
    keys = [key for key, _ in rows]
    places = [n for key in sorted({*keys}, reverse=descending) for n in range(len(rows)) if keys[n] == key]
    assert done(SORTS[descending], items) == [items[n] for n in places]


def test_sort_takes_numbers_of_both_kinds_and_text_by_its_characters() -> None:
    assert output("sort", SORT, [2, 1.5, -3]) == [-3, 1.5, 2]
    assert output("sort", SORT, ["b", "B", "ä", "a"]) == ["B", "a", "b", "ä"]


@pytest.mark.parametrize("items", [[1, "a"], [1, None], [True, False], [[1], [2]], [{"a": 1}], [None, None]])
def test_sort_refuses_keys_that_are_not_all_numbers_or_all_text(items: list[JsonValue]) -> None:
    assert error(job("sort", SORT), items).code == "expression.type"


def test_a_sort_key_that_is_missing_is_refused() -> None:
    assert error(job("sort", {"items": "input", "by": "item.k"}), [{"k": 1}, {}]).code == "expression.type"


def test_group_tells_items_apart_by_their_key_as_text() -> None:
    items: list[JsonValue] = [2, "2", None, True, "true", {"a": 1}, [1, 2], 1.5, {"a": 1}]
    groups = output("group", GROUP, items)
    assert groups == {
        "2": [2, "2"],
        "": [None],
        "true": [True, "true"],
        '{"a":1}': [{"a": 1}, {"a": 1}],
        "[1,2]": [[1, 2]],
        "1.5": [1.5],
    }
    assert isinstance(groups, dict)
    assert list(groups) == ["2", "", "true", '{"a":1}', "[1,2]", "1.5"]


CUT = job("split", {"items": "input.items", "size": "${{ input.size }}"})


@given(ITEMS, st.integers(1, 15))
def test_split_loses_nothing_and_only_the_last_list_is_short(items: list[JsonValue], size: int) -> None:
    lists = done(CUT, {"items": items, "size": size})
    assert isinstance(lists, list)
    assert [item for each in lists if isinstance(each, list) for item in each] == items
    assert all(isinstance(each, list) and len(each) == size for each in lists[:-1])
    assert all(isinstance(each, list) and 1 <= len(each) <= size for each in lists[-1:])


@pytest.mark.parametrize("size", ["2", 0, -1, 1.5, True, None, [2]])
def test_a_size_that_is_no_whole_number_from_one_is_refused(size: JsonValue) -> None:
    assert error(CUT, {"items": [1, 2], "size": size}).code == "config.invalid"
    assert error(CUT, {"items": [1, 2]}).code == "config.invalid"


def test_fields_of_words_may_come_from_templates() -> None:
    input: dict[str, JsonValue] = {"items": [3, 1, 2], "size": 2, "order": "descending", "mode": "last", "by": "item"}
    assert output("split", {"items": "input.items", "size": "${{ input.size }}"}, input) == [[3, 1], [2]]
    ordered = {"items": "input.items", "by": "item", "order": "${{ input.order }}"}
    assert output("sort", ordered, input) == [3, 2, 1]
    merged = {"sources": ["input.size", "input.mode"], "mode": "${{ input.mode }}"}
    assert output("merge", merged, input) == "last"


@pytest.mark.parametrize(
    ("type", "config", "field"),
    [
        ("sort", {"items": "[1]", "by": "item", "order": "${{ input }}"}, "order"),
        ("merge", {"sources": ["1"], "mode": "${{ input }}"}, "mode"),
    ],
)
@pytest.mark.parametrize("word", ["sideways", 1, ["list"], {}])
def test_a_template_that_gives_none_of_the_words_is_refused(
    type: str, config: dict[str, Any], field: str, word: JsonValue
) -> None:
    found = error(job(type, config), word)
    assert found.code == "config.invalid"
    assert field in found.message


def test_merge_leaves_out_missing_and_null() -> None:
    sources = ["input.none", "{'a': 1, 'b': {'x': 1}}", "null", "{'b': {'y': 2}}"]
    assert output("merge", {"sources": sources}) == {"a": 1, "b": {"y": 2}}
    assert output("merge", {"sources": ["input.none", "null"]}) == {}
    assert output("merge", {"sources": ["input.none", "[1]", "null", "2"], "mode": "list"}) == [[1], 2]
    for mode in ("first", "last"):
        assert output("merge", {"sources": ["input.none", "null"], "mode": mode}) is None
    assert output("merge", {"sources": ["null", "1", "false"], "mode": "first"}) == 1
    assert output("merge", {"sources": ["null", "1", "false"], "mode": "last"}) is False


def test_a_merge_into_an_object_takes_objects_only() -> None:
    assert error(job("merge", {"sources": ["{'a': 1}", "[2]"]})).code == "config.invalid"


def port(node: Job, input: JsonValue = None) -> str | None:
    result = computed(node, input)
    assert (result.kind, result.value) == ("done", None), result
    return result.port


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (1, "one"), (1.0, "one"), (True, "yes"), (False, "no"), (0, "default"), ("1", "text"), (2, "few"), (3, "few"),
        (None, "nothing"), ([2, 3], "default"), ({}, "default"), ("x", "default"),
    ],
)  # fmt: skip
def test_a_switch_compares_values_and_their_types(value: JsonValue, taken: str) -> None:
    cases = {"one": 1, "yes": True, "no": False, "text": "1", "few": [2, 3, 1], "nothing": [None]}
    assert port(job("switch", {"value": "input", "cases": cases}, wired=("default",)), value) == taken


def test_a_switch_over_what_is_missing_takes_the_case_of_null() -> None:
    node = job("switch", {"value": "input.none", "cases": {"a": 1, "b": None}}, wired=("default",))
    assert port(node, {}) == "b"


def test_the_first_case_that_holds_wins_and_later_ones_are_not_asked() -> None:
    cases = {"a": "input > 5", "b": "input > 3", "c": "$error('asked')"}
    node = job("switch", {"cases": cases}, wired=("default",))
    assert [port(node, input) for input in (7, 4)] == ["a", "b"]
    assert error(node, 1).message == "asked"


def test_an_unmatched_switch_needs_a_wired_default() -> None:
    cases = {"cases": {"a": "input.none"}}
    assert port(job("switch", cases, wired=("a", "default"))) == "default"
    assert error(job("switch", cases, wired=("a", "error"))).code == "switch.no_match"


@pytest.mark.parametrize(
    ("value", "taken"),
    [(True, "true"), (0, "false"), (2, "true"), ("", "false"), ("x", "true"), ([], "false"), (None, "false")],
)
def test_an_if_asks_as_boolean_does(value: JsonValue, taken: str) -> None:
    assert port(job("if", {"condition": "input"}), value) == taken


def test_an_if_over_what_is_missing_goes_by_false() -> None:
    assert port(job("if", {"condition": "input.none.at.all"}), {}) == "false"


def test_comparing_what_cannot_be_compared_fails() -> None:
    assert error(job("if", {"condition": "input > 1"}), "text").code == "expression.type"
    assert error(job("if", {"condition": "input > 1"}), None).code == "expression.type"


def test_a_failing_when_fails_and_a_false_one_skips_without_looking_at_the_config() -> None:
    fails = {"expression": "$error('looked')"}
    assert computed(job("transform", fails, when="input.none")) == Computed("skip", port=None)
    assert error(job("transform", fails, when="input"), True).message == "looked"
    assert error(job("transform", {"expression": "1"}, when="$error('asked')")).message == "asked"


def test_every_value_of_a_set_sees_what_was_there_before() -> None:
    flow = document(
        {"s": {"type": "set", "config": {"values": {"a": "vars.b", "b": "vars.a", "c": "vars.none"}}}},
        vars={"a": 1, "b": 2, "c": 3, "none": None},
    )
    [node] = published(flow).graph.nodes
    result = compute(Job(node.type, node.config), {"vars": {"a": 1, "b": 2, "c": 3, "none": None}}, NOON, INLINE)
    assert result.value == {"a": 2, "b": 1, "c": None}


@pytest.mark.parametrize(
    ("config", "input", "at"),
    [
        ({"for": "90s"}, None, "2026-01-01T12:01:30Z"),
        ({"for": "${{ input }}"}, "PT1H30M", "2026-01-01T13:30:00Z"),
        ({"for": "${{ input }}s"}, 10, "2026-01-01T12:00:10Z"),
        ({"until": "2026-01-02T00:00:00Z"}, None, "2026-01-02T00:00:00Z"),
        ({"until": "2026-01-02T00:00:00+02:00"}, None, "2026-01-01T22:00:00Z"),
        ({"until": "${{ input }}"}, "2026-01-02", "2026-01-02T00:00:00Z"),
        ({"until": "${{ input }}"}, "2026-01-02T03:04:05.250", "2026-01-02T03:04:05.250Z"),
    ],
)
def test_a_delay_says_until_when(config: dict[str, Any], input: JsonValue, at: str) -> None:
    result = computed(job("delay", config), input)
    assert isinstance(result.value, int | float)
    assert (result.kind, output("transform", {"expression": "$toMillis(input)"}, at)) == ("wait", result.value * 1000)


@pytest.mark.parametrize("field", ["for", "until"])
@pytest.mark.parametrize("value", ["soon", "", None, 10, -1, True, [], {"s": 1}, "-5s", "99999999999d", "2026-13-01"])
def test_a_delay_for_no_time_at_all_is_refused(field: str, value: JsonValue) -> None:
    delay = job("delay", {field: "${{ input }}"})
    found = error(delay, value)
    assert found.code == "config.invalid"
    assert f"`{field}` of a delay" in found.message or value is None


def test_a_stop_gives_its_output_and_a_fail_its_error() -> None:
    assert computed(job("stop")) == Computed("stop", None, port=None)
    stop = job("stop", {"output": {"n": "${{ input.n }}", "none": "${{ input.none }}"}})
    assert computed(stop, {"n": 5}) == Computed("stop", {"n": 5}, port=None)
    fail = job("fail", {"code": "${{ input.code }}", "message": "n: ${{ input.n }}", "details": "${{ input }}"})
    input: dict[str, JsonValue] = {"code": "user.bad", "n": {"a": [1, None]}}
    found = error(fail, input)
    assert (found.code, found.message, found.details) == ("user.bad", 'n: {"a":[1,null]}', input)
    assert not found.retryable


@pytest.mark.parametrize("code", [None, 5, "", "bad", "internal", "user", "user.", "user.a b", "users.a", ["user.a"]])
def test_a_fail_has_a_code_of_the_author_and_no_other(code: JsonValue) -> None:
    fail = job("fail", {"code": "${{ input.code }}"})
    assert error(fail, {"code": code}).code == "config.invalid"
    assert error(fail, {}).code == "config.invalid"


def test_a_config_is_rendered_with_its_secrets_kept_apart() -> None:
    config = {
        "method": "POST",
        "url": "https://x.example/${{ input.id }}",
        "headers": {"X-Key": "Bearer ${{ secrets.token }}", "X-None": "${{ input.none }}"},
        "body": ["${{ input.none }}", "${{ input }}", "$${{ no }}"],
    }
    result = computed(job("http.request", config), {"id": 7})
    assert result.kind == "call"
    assert isinstance(result.value, dict)
    assert result.value["url"] == "https://x.example/7"
    assert result.value["headers"] == {"X-Key": "Bearer ***"}
    assert result.value["body"] == [None, {"id": 7}, "${{ no }}"]
    assert result.secrets == (SecretText("/headers/X-Key", ("Bearer ", ("token",))),)


STEPS = job("transform", {"expression": "$sum([1..9000].($ * 2))"})
GROWING = job("transform", {"expression": "$join([1..500].$pad('', 1000, 'x'))"})
MANY = job("map", {"items": "[1..1001]", "expression": "item"})


@pytest.mark.parametrize("node", [STEPS, GROWING, MANY], ids=["steps", "growth", "items"])
def test_what_exceeds_the_budget_of_a_workflow_task_is_raised_and_computed_outside(node: Job) -> None:
    with pytest.raises(ExpressionBudget) as raised:
        computed(node)
    assert not raised.value.by_clock
    assert computed(node, budget=WIDE).kind == "done"


def test_a_thousand_items_fit_a_workflow_task_and_one_more_does_not() -> None:
    items: list[JsonValue] = list(range(INLINE_ITEMS))
    assert computed(job("map", MAP), items).value == items
    with pytest.raises(ExpressionBudget):
        computed(job("map", MAP), [*items, 1])


def test_the_clock_counts_for_all_expressions_of_a_node_together() -> None:
    with pytest.raises(ExpressionBudget) as raised:
        computed(job("map", MAP), [1, 2], budget=replace(INLINE, seconds=0.0))
    assert raised.value.by_clock


@pytest.mark.parametrize("budget", [INLINE_UNTIMED, WIDE], ids=["inline", "wide"])
def test_a_config_that_multiplies_what_it_reads_exceeds_every_budget(budget: Budget) -> None:
    items = ["${{ input }}"] * 3_000
    node = job("http.request", {"method": "POST", "url": "https://x.example", "body": items})
    with pytest.raises(ExpressionBudget) as raised:
        computed(node, "x" * 10_000, budget=budget)
    assert not raised.value.by_clock
    inside = job("http.request", {"method": "POST", "url": "https://x.example", "body": "-${{ input }}" * 3_000})
    with pytest.raises(ExpressionBudget):
        computed(inside, "x" * 10_000, budget=budget)


def test_a_loop_over_more_items_than_may_be_fails_by_the_name_of_the_limit() -> None:
    body = {"nodes": {"a": {"type": "transform", "config": {"expression": "item"}}}}
    loop = job("for_each", {"items": "input", "body": body})
    most: list[JsonValue] = [1] * DEFAULTS.for_each_items
    assert computed(loop, most, budget=WIDE).kind == "open"
    result = computed(loop, [*most, 1], budget=WIDE)
    assert ErrorValue.model_validate(result.value).code == "limit.items"


COMPUTING = st.sampled_from(
    [
        job("transform", {"expression": "$sum(input) + $random() + $millis()"}),
        job("map", {"items": "input", "expression": "$string(item) & $random()"}),
        job("filter", {"items": "input", "condition": "item > 1"}),
        job("reduce", REDUCE),
        job("sort", SORT),
        job("group", GROUP),
        job("split", SPLIT),
        job("merge", {"sources": ["input", "input[0]"], "mode": "list"}),
        job("switch", {"value": "input[0]", "cases": {"a": 1, "b": None}}, wired=("default",)),
        job("if", {"condition": "input[0] > 2"}),
        job("delay", {"for": "${{ input[0] }}s"}),
        job("fail", {"code": "user.x", "message": "${{ input }}"}),
        job("stop", {"output": ["${{ input[0] }}"]}, when="input[0]"),
        job(
            "http.request",
            {"method": "POST", "url": "https://x.example", "body": {"a": "${{ input }}", "b": "-${{ input }}"}},
        ),
    ]
)


@given(COMPUTING, ITEMS)
def test_a_node_comes_to_the_same_within_a_workflow_task_and_outside(node: Job, items: list[JsonValue]) -> None:
    assert computed(node, items, budget=INLINE_UNTIMED) == computed(node, items, budget=WIDE)
