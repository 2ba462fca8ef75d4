"""Executions that between them use every kind of command the interpreter issues; their histories are recorded."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from interpreter.start import Tuning
from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended
from tests.interpreter.histories import Handle


@dataclass(frozen=True)
class Scenario:
    document: Mapping[str, Any]
    input: JsonValue = None
    tuning: Tuning = field(default_factory=Tuning)
    cancel: bool = False


SCENARIOS: dict[str, Scenario] = {
    "chain": Scenario(
        document(
            {
                "a": work("${{ input.x }}", title="First"),
                "b": work("${{ nodes.a.output.value + 1 }}", ["a"]),
                "c": {"type": "set", "needs": ["b"], "config": {"values": {"v": "nodes.b.output.value"}}},
            },
            vars={"v": 0},
            output="${{ vars.v }}",
        ),
        {"x": 1},
    ),
    "local": Scenario(
        document(
            {
                "a": work(1, type="test.read"),
                "b": work(
                    2,
                    ["a"],
                    type="test.read",
                    config={"fail": "user.once", "fail_times": 1, "retryable": True},
                    retry={"max_attempts": 2, "initial": "10ms"},
                ),
                "c": work(3, ["b"], type="test.read", config={"sleep": 3.3}),
            }
        )
    ),
    "joins": Scenario(
        document(
            {
                "slow": work(config={"sleep": 20}),
                "quick": work("q"),
                "bad": work(config={"fail": "user.no"}),
                "rescue": work(["${{ nodes.bad.error.code }}"], ["bad.error"]),
                "first": work("f", ["slow", "quick"], join="any"),
                "all": {"type": "transform", "needs": ["first", "rescue"], "config": {"expression": "'done'"}},
            }
        )
    ),
    "waits": Scenario(
        document(
            {
                "a": {"type": "delay", "config": {"for": "50ms"}, "title": "A moment"},
                "b": {"type": "delay", "config": {"for": "150ms"}},
                "c": work(1, ["a"]),
                "late": {"type": "delay", "config": {"for": "1h"}, "timeout": "100ms", "on_error": "continue"},
            },
            settings={"timeout": "1h"},
        )
    ),
    "outside": Scenario(
        document(
            {
                "big": {"type": "transform", "config": {"expression": "$sum([1..9000].($ * 2))"}},
                "after": {"type": "transform", "needs": ["big"], "config": {"expression": "nodes.big.output + 1"}},
            }
        )
    ),
    "continued": Scenario(
        document({"a": work(1), "b": work("${{ nodes.a.output.value }}", ["a"]), "c": work(3, ["b"])}),
        tuning=Tuning(continue_after=1),
    ),
    "failed": Scenario(document({"a": work(config={"fail": "user.no"}), "b": work(config={"sleep": 20})})),
    "cancelled": Scenario(
        document({"a": work(config={"sleep": 20}), "d": {"type": "delay", "config": {"for": "1h"}}}), cancel=True
    ),
    "timed_out": Scenario(document({"a": work(config={"sleep": 20})}, settings={"timeout": "300ms"})),
}


async def performed(engine: Engine, scenario: Scenario) -> Handle:
    """Run a scenario to its end."""
    handle = await engine.start(scenario.document, scenario.input, tuning=scenario.tuning)
    if scenario.cancel:
        while not engine.witness.runs:
            await asyncio.sleep(0.05)
        await handle.cancel()
    await ended(handle)
    return handle
