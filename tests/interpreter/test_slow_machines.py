"""What depended on a machine's speed stands in history: there it replays alike on faster and on slower machines."""

import json
import random
import time
from dataclasses import replace
from datetime import timedelta
from itertools import chain, pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from dag.expressions import Budget, Moment
from interpreter import computing as outside
from interpreter import load
from interpreter import workflow as interpreter
from interpreter.compute import compute
from interpreter.evaluator import Scope
from interpreter.job import Computed, Job
from interpreter.start import Tuning
from runtime import executions
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, engine_on, until
from tests.interpreter.histories import Handle, replayed, runs
from tests.interpreter.record import said
from tests.interpreter.scenarios import SCENARIOS, performed


class Machine:
    """Changes how fast this machine seems to workflow tasks: how likely it is that time runs out."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self._patch = patch

    def becomes(self, slowness: float, seed: int = 0) -> None:
        chance, now = random.Random(seed), 0.0

        def is_slow() -> bool:
            return chance.random() < slowness

        def perf_counter() -> float:
            nonlocal now
            now += 60.0 if is_slow() else 0.0
            return now

        def hurried(job: Job, scope: Scope, moment: Moment, budget: Budget) -> Computed:
            out_of_time = budget.seconds is not None and is_slow()
            return compute(job, scope, moment, replace(budget, seconds=-1.0) if out_of_time else budget)

        self._patch.setattr(interpreter, "time", SimpleNamespace(perf_counter=perf_counter))
        self._patch.setattr(outside, "compute", hurried)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


SPEEDS = [0.0, 1.0, 0.5]


def patches(histories: list[WorkflowHistory]) -> list[str]:
    """What the histories keep of the machine's speed."""
    return [
        json.loads(event.marker_recorded_event_attributes.details["patch-data"].payloads[0].data)["id"]
        for history in histories
        for event in history.events
        if "patch-data" in event.marker_recorded_event_attributes.details
    ]


async def assert_replays_alike(engine: Engine, handle: Handle, machine: Machine) -> list[WorkflowHistory]:
    """On machines of any speed, and as it was said the first time, and the second, if the cache was small."""
    told = [step for step in engine.sink.steps if step[0].execution == handle.id.partition("/")[2]]
    # Temporal has a task done again whose end something new overtook; what it said the first time is replaced, perhaps
    # by the next run, whose history is shorter.
    last = {event.n: event for event, replaying in told if not replaying}
    checksums: dict[int, set[str]] = {}
    for event, replaying in told:
        if replaying or event is last[event.n]:
            checksums.setdefault(event.n, set()).add(said(event))
    assert {n: different for n, different in checksums.items() if len(different) > 1} == {}
    histories = await runs(engine.client, handle)
    lived = [said(event) for event in engine.events(handle)]
    for slowness in SPEEDS:
        machine.becomes(slowness, seed=1)
        again = [await replayed(history, engine.client.data_converter) for history in histories]
        assert list(map(said, chain.from_iterable(again))) == lived
    return histories


@pytest.mark.parametrize(
    ("slowness", "cached"), [pytest.param(1.0, 100, marks=pytest.mark.slow), (0.3, 0)], ids=["always", "often"]
)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_scenario_of_a_slow_machine_replays_on_any(
    name: str, slowness: float, cached: int, client: Client, machine: Machine
) -> None:
    machine.becomes(slowness)
    async with engine_on(client, max_cached_executions=cached) as engine:
        handle = await performed(engine, SCENARIOS[name])
        histories = await assert_replays_alike(engine, handle, machine)
        assert patches(histories) or slowness < 1


def mixture(size: int) -> dict[str, Any]:
    """Several lines of control nodes, reads, effects and delays, in various orders, with joins between them."""
    nodes: dict[str, Any] = {}
    for line in range(4):
        for n in range(size):
            name, needs = f"l{line}_{n}", [f"l{line}_{n - 1}"] if n else None
            match (3 * line + n * (line + 1)) % 7:
                case 0:
                    nodes[name] = work(n, needs, type="test.read", config={"sleep": 0.03 * line})
                case 1:
                    nodes[name] = work(n, needs)
                case 2:
                    delay = {"type": "delay", "config": {"for": f"{20 * line + 7 * n}ms"}}
                    nodes[name] = {**delay, **({"needs": needs} if needs else {})}
                case 3:
                    nodes[name] = computing("$sum([1..9000].($ * 2))", needs)
                case 4:
                    values = {"type": "set", "config": {"values": {"v": "vars.v + 1"}}}
                    nodes[name] = {**values, **({"needs": needs} if needs else {})}
                case _:
                    nodes[name] = computing(f"vars.v + {n}", needs)
    ends = [f"l{line}_{size - 1}" for line in range(4)]
    nodes["first"] = computing("1", ends, join="any")
    nodes["end"] = computing("vars.v", ["first", ends[0]])
    return document(nodes, vars={"v": "${{ 1 + 1 }}"}, output="${{ [vars.v, nodes.end.output] }}")


@pytest.mark.parametrize("continue_after", [None, 5])
@pytest.mark.parametrize("cached", [0, 100])
async def test_much_at_once_replays_on_any_machine(
    cached: int, continue_after: int | None, client: Client, machine: Machine
) -> None:
    machine.becomes(0.2)
    async with engine_on(client, max_cached_executions=cached) as engine:
        handle = await engine.start(mixture(12), tuning=Tuning(continue_after=continue_after, patience=0.2))
        assert (await ended(handle)).status == "succeeded"
        histories = await assert_replays_alike(engine, handle, machine)
        assert {patch.partition("-")[0] for patch in patches(histories)} == {"slow", "breath"}
        assert continue_after is None or len(histories) > 1


@pytest.mark.parametrize(("slowness", "cached"), [(0.0, 100), (0.05, 0)])
async def test_reads_that_outlast_a_workflow_task_replay_on_any_machine(
    slowness: float, cached: int, client: Client, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal extends the task while local activities run; how often, and when, a replay does not know."""
    monkeypatch.setattr(executions, "TASK_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr(load, "MOST_MARKERS", 10)
    monkeypatch.setattr(load, "MOST_INLINE", 8_000)
    machine.becomes(slowness)
    nodes: dict[str, Any] = {}
    for line, sleep in enumerate((0.3, 0.7, 0.9)):
        for n in range(4):
            needs = [f"l{line}_{n - 1}"] if n else None
            nodes[f"l{line}_{n}"] = work("x" * 300, needs, type="test.read", config={"sleep": sleep})
            nodes[f"c{line}_{n}"] = computing(f"{n} + {line}", [f"l{line}_{n}"])
            nodes[f"s{line}_{n}"] = computing("$sum([1..9000].($ * 2))", [f"l{line}_{n}"])
    async with engine_on(client, max_cached_executions=cached) as engine:
        handle = await engine.start(document(nodes))
        assert (await ended(handle)).status == "succeeded"
        [history] = await assert_replays_alike(engine, handle, machine)
        assert extensions(history) > 1


def extensions(history: WorkflowHistory) -> int:
    """How often a workflow task followed another only because local activities ran on."""
    results = (EventType.EVENT_TYPE_MARKER_RECORDED, EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
    between = pairwise(event.event_type for event in history.events if event.event_type not in results)
    return list(between).count(
        (EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
    )


@pytest.mark.slow
async def test_a_machine_that_is_always_too_slow_gets_to_the_end(client: Client, machine: Machine) -> None:
    """Temporal itself lists patches in a search attribute, which has not room for all of these."""
    machine.becomes(1.0)
    nodes = {f"n{n}": computing(str(n), [f"n{n - 1}"] if n else None) for n in range(150)}
    async with engine_on(client) as engine:
        handle = await engine.start(document(nodes), tuning=Tuning(continue_after=100))
        assert (await ended(handle)).output == 149
        histories = await assert_replays_alike(engine, handle, machine)
        assert len(patches(histories)) >= 300
        assert len(histories) == 2


async def test_a_cancel_that_comes_between_two_parts_of_a_long_turn_reaches_what_runs(
    client: Client, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.becomes(1.0)
    monkeypatch.setattr(interpreter, "SHORTEST", timedelta(seconds=3))
    async with engine_on(client) as engine:
        handle = await engine.start(document({"a": work(config={"sleep": 60})}))
        await until(lambda: engine.witness.running)
        await handle.cancel()
        assert (await ended(handle)).status == "cancelled"
        await assert_replays_alike(engine, handle, machine)
    assert engine.statuses(handle) == {"a": "cancelled"}


async def test_a_local_result_that_comes_while_it_is_asked_to_stop_replays_alike(
    client: Client, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a replay, Temporal gives it before those that ended before it."""
    settle = interpreter.Interpreter._settle_ended

    def slowly(self: interpreter.Interpreter) -> None:
        time.sleep(0.5)  # what ends meanwhile comes together
        settle(self)

    monkeypatch.setattr(interpreter.Interpreter, "_settle_ended", slowly)
    machine.becomes(0.0)
    nodes = {
        "quick": work(type="test.read"),
        "other": work(type="test.read", config={"sleep": 0.15}),
        "late": work(type="test.read", config={"sleep": 0.3}),
        "first": computing("1", ["quick", "late"], join="any"),
        "after": computing("1", ["other"]),
    }
    async with engine_on(client) as engine:
        handle = await engine.start(document(nodes))
        assert (await ended(handle)).status == "succeeded"
        await assert_replays_alike(engine, handle, machine)
