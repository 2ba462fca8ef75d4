"""What a process keeps of executions has a bound, whatever they yield."""

from typing import Any

import pytest
from pydantic import JsonValue

from dag.plan import Plan, PlanGraph, Template, encode
from interpreter import outputs
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.plans import decoded
from tests.interpreter.engine import Engine, ended


def plan(text: str) -> bytes:
    return encode(Plan("flow", 1, PlanGraph((), output=Template(text))))


def test_a_plan_is_decoded_once_as_long_as_there_is_room_for_it() -> None:
    first = plan("first")
    kept = decoded(first)
    assert decoded(bytes(bytearray(first))) is kept
    for n in range(8):
        decoded(plan(f"{n}" * 5_000_000))
    assert decoded(first) is not kept
    assert decoded(first) == kept


def test_outputs_have_a_bound_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MOST_BYTES", 10_000)
    kept = Outputs()
    kept.put_value(0, "x" * 4_000)
    kept.put(1, b'"' + b"x" * 4_000 + b'"')
    with pytest.raises(OutputsTooLarge):
        kept.put(2, b'"' + b"x" * 4_000 + b'"')
    assert 2 not in kept
    kept = Outputs(*kept.pack())
    with pytest.raises(OutputsTooLarge):
        kept.put_value(2, "x" * 4_000)
    kept.put_value(3, None)
    assert [kept.value(n) for n in (0, 1, 3)] == ["x" * 4_000, "x" * 4_000, None]


def test_outputs_that_are_no_longer_kept_as_values_are_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "DECODED_BYTES", 1_000)
    values: list[JsonValue] = [["x" * 300, n] for n in range(10)]
    kept = Outputs()
    for n, value in enumerate(values):
        kept.put_value(n, value)
    assert [kept.value(n) for n in range(10)] == values
    again = Outputs(*kept.pack())
    assert [again.value(n) for n in reversed(range(10))] == values[::-1]


async def test_an_execution_whose_nodes_yield_too_much_fails(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MOST_BYTES", 1_000_000)
    nodes: dict[str, Any] = {
        f"n{n}": {"type": type, "config": config, "needs": [f"n{n - 1}"] if n else []}
        for n in range(20)
        for type, config in [
            ("transform", {"expression": "input"}) if n % 2 else ("test.work", {"value": "${{ input }}"})
        ]
    }
    handle = await engine.start({"language": 1, "name": "flow", "nodes": nodes}, input="x" * 100_000)
    outcome = await ended(handle)
    assert outcome.failure is not None
    assert outcome.failure.code == "limit.outputs"
    assert list(engine.statuses(handle).values()).count("succeeded") == 9


async def test_ends_that_yield_too_much_together_fail_the_execution(engine: Engine) -> None:
    nodes: dict[str, Any] = {f"n{n}": {"type": "transform", "config": {"expression": "input"}} for n in range(120)}
    outcome = await engine.run({"language": 1, "name": "flow", "nodes": nodes}, input="x" * 200_000)
    assert outcome.failure is not None
    assert outcome.failure.code == "payload.too_large"
