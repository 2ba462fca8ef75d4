"""Nodes that try to take more time or memory than they may, or to yield what cannot be carried on."""

import time
from typing import Any

import pytest
from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.expressions import INLINE, Budget, ExpressionBudget, Moment
from interpreter.compute import compute
from interpreter.job import Computed, Job
from tests.interpreter.publishing import published

ITEMS: list[JsonValue] = [1.5] * 900
SMALL = Budget(steps=50_000, depth=100, string=8_192, array=10_000, result=100_000, seconds=5)
"""As outside a workflow task, only smaller."""


def job(type: str, config: dict[str, Any]) -> Job:
    variables = dict.fromkeys(config.get("values", ()))
    document = {"language": 1, "name": "flow", "vars": variables, "nodes": {"n": {"type": type, "config": config}}}
    [node] = published(document).graph.nodes
    return Job(node.type, node.config)


def computed(type: str, config: dict[str, Any], input: JsonValue, *, budget: Budget = SMALL) -> Computed:
    return compute(job(type, config), {"input": input}, Moment(0, 0), budget)


def nested(levels: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("filter", {"items": "input.items", "condition": "SLOW > 0"}),
        ("map", {"items": "input.items", "expression": "SLOW"}),
        ("set", {"values": {f"v{n}": "SLOW" for n in range(900)}}),
        ("switch", {"cases": {f"c{n}": "SLOW < 0" for n in range(900)}}),
    ],
)
def test_many_expressions_that_are_each_quick_enough_are_cut_together(type: str, config: dict[str, Any]) -> None:
    slow = " + ".join(["$sum(input.many)"] * 20)
    written: dict[str, Any] = {
        key: text.replace("SLOW", slow)
        if isinstance(text, str)
        else {k: v.replace("SLOW", slow) for k, v in text.items()}
        for key, text in config.items()
    }
    began = time.process_time()
    with pytest.raises(ExpressionBudget) as broken_off:
        computed(type, written, {"items": ITEMS, "many": ITEMS * 11}, budget=INLINE)
    assert broken_off.value.by_clock
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("map", {"items": "input.items", "expression": "input.text"}),
        ("sort", {"items": "input.items", "by": "input.text"}),
        ("group", {"items": "input.items", "by": "input.text & item"}),
        ("set", {"values": {f"v{n}": "input.text" for n in range(900)}}),
        ("merge", {"sources": ["input.text"] * 900, "mode": "list"}),
        ("stop", {"output": ["${{ input.text }}"] * 900}),
    ],
)
def test_many_values_that_are_each_small_enough_are_bounded_together(type: str, config: dict[str, Any]) -> None:
    with pytest.raises(ExpressionBudget, match="grows beyond 100000 bytes"):
        computed(type, config, {"items": ITEMS, "text": "x" * 5_000})


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("map", {"items": "1", "expression": "input"}),
        ("group", {"items": "input", "by": "1"}),
        ("merge", {"sources": ["input"], "mode": "list"}),
        ("set", {"values": {"v": "input"}}),
        ("stop", {"output": {"a": "${{ input }}"}}),
        ("fail", {"code": "user.x", "message": "m", "details": {"a": "${{ input }}"}}),
    ],
)
def test_what_is_nested_too_deep_to_be_carried_on_is_an_error_of_its_node(type: str, config: dict[str, Any]) -> None:
    result = computed(type, config, nested(240))
    assert result.kind == "fail"
    assert ErrorValue.model_validate(result.value).code == "payload.too_large"
    assert computed(type, config, nested(150)).kind in ("done", "stop", "fail")


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0001-01-01"])
def test_a_time_at_the_end_of_all_calendars_is_a_time(until: str) -> None:
    result = computed("delay", {"until": until}, None)
    assert result.kind == "wait"
    assert isinstance(result.value, float)
    assert 0 <= result.value < 253_402_300_800


def test_a_code_is_short() -> None:
    result = computed("fail", {"code": "user." + "x" * 300, "message": "m"}, None)
    assert ErrorValue.model_validate(result.value).code == "config.invalid"
