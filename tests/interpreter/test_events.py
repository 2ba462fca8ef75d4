"""The journal of an execution tells all that happened, once, in order, and the same whenever it is told again."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from temporalio.client import Client

from dag.events import StepEvent, checksum
from interpreter.start import Tuning
from tests.interpreter.documents import chain, computing, document, work
from tests.interpreter.engine import Engine, ended, engine_on, until
from tests.interpreter.histories import Handle, replayed, runs
from tests.interpreter.scenarios import SCENARIOS, performed


def told(engine: Engine, handle: Handle) -> list[tuple[str, str, Any]]:
    """Type, path and data of every event."""
    return [(event.type, event.path, event.data) for event in engine.events(handle)]


def assert_chained(events: list[StepEvent]) -> None:
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    assert events[0].previous == 0
    for before, event in pairwise(events):
        assert event.previous == before.checksum
        assert event.at >= before.at
        assert event.task >= before.task or event.task < 10, "a run that goes on for another counts anew"
    for event in events:
        assert event.checksum == checksum(event.previous, event.n, event.type, event.path, event.data)


async def test_a_chain_tells_of_each_step(engine: Engine) -> None:
    flow = document(
        {
            "a": work("${{ input.x }}"),
            "b": {"type": "if", "needs": ["a"], "config": {"condition": "nodes.a.output.value > 5"}},
            "no": work(1, ["b.false"]),
            "c": computing("nodes.a.output.value + 1", ["b.true"]),
        }
    )
    handle = await engine.start(flow, {"x": 7}, trigger="schedule")
    await ended(handle)
    started = {"workflow": "demo", "version": 1, "trigger": "schedule", "input": {"x": 7}}
    assert told(engine, handle) == [
        ("execution.started", "", started),
        ("node.started", "a", {"type": "test.work", "config": {"value": 7}}),
        ("node.succeeded", "a", {"output": {"value": 7}, "port": "out"}),
        ("node.started", "b", {"type": "if"}),
        ("node.succeeded", "b", {"output": None, "port": "true"}),
        ("node.skipped", "no", None),
        ("node.started", "c", {"type": "transform"}),
        ("node.succeeded", "c", {"output": 8, "port": "out"}),
        ("execution.succeeded", "", {"output": {"c": 8}}),
    ]
    assert_chained(engine.events(handle))


async def test_waiting_is_told_with_its_end(engine: Engine) -> None:
    handle = await engine.start(document({"d": {"type": "delay", "config": {"until": "2020-01-01T00:00:00.250Z"}}}))
    await ended(handle)
    assert ("node.waiting", "d", {"until": "2020-01-01T00:00:00.250Z"}) in told(engine, handle)


async def test_an_attempt_that_is_made_again_is_one_run_of_its_node(engine: Engine) -> None:
    for type in ("test.work", "test.read"):
        config = {"fail": "user.flaky", "fail_times": 1, "retryable": True}
        node = work(1, type=type, config=config, retry={"max_attempts": 2, "initial": "10ms"})
        handle = await engine.start(document({"a": node}))
        await ended(handle)
        assert [event.type for event in engine.events(handle) if event.path] == ["node.started", "node.succeeded"]


async def test_a_large_value_is_named_by_its_size(engine: Engine) -> None:
    large = "x" * 70_000
    flow = document({"a": work("${{ input }}"), "b": computing("nodes.a.output.value", ["a"])})
    handle = await engine.start(flow, large)
    assert (await ended(handle)).output == large
    size, output = 70_002, len('{"value":""}') + 70_000
    assert told(engine, handle) == [
        ("execution.started", "", {"workflow": "demo", "version": 1, "trigger": "manual", "input_bytes": size}),
        ("node.started", "a", {"type": "test.work", "config_bytes": len('{"value":""}') + 70_000}),
        ("node.succeeded", "a", {"output_bytes": output, "port": "out"}),
        ("node.started", "b", {"type": "transform"}),
        ("node.succeeded", "b", {"output_bytes": size, "port": "out"}),
        ("execution.succeeded", "", {"output_bytes": size}),
    ]


async def test_current_details_tell_what_runs_and_what_waits(engine: Engine) -> None:
    flow = document(
        {
            "a": work(1),
            "b": work(config={"sleep": 30}, needs=["a"]),
            "d": {"type": "delay", "needs": ["a"], "config": {"for": "1h"}},
            "e": work(1, ["b", "d"]),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: len(engine.witness.runs) == 2)
    details = str(await handle.query("__temporal_workflow_metadata"))
    for text in ("1 of 4 nodes settled", "running (1): b", "waiting: d"):
        assert text in details, details
    await handle.cancel()
    await ended(handle)
    assert "4 of 4 nodes settled" in str(await handle.query("__temporal_workflow_metadata"))


@pytest.mark.parametrize("continue_after", [1, 3])
async def test_runs_that_follow_each_other_tell_one_story(engine: Engine, continue_after: int) -> None:
    whole = await engine.start(chain(10), {"x": 1})
    await ended(whole)
    cut = await engine.start(chain(10), {"x": 1}, tuning=Tuning(continue_after=continue_after))
    await ended(cut)
    assert len(await runs(engine.client, cut)) > 2
    assert told(engine, cut) == told(engine, whole)
    assert_chained(engine.events(cut))


@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_is_told_again_is_the_same(name: str, client: Client) -> None:
    """Without a cache every workflow task begins by telling all that came before."""
    async with engine_on(client, max_cached_executions=0) as engine:
        handle = await performed(engine, SCENARIOS[name])
        events = engine.events(handle)
        assert_chained(events)
        again = [event for event, replaying in engine.sink.steps if replaying]
        for history in await runs(client, handle):
            again += await replayed(history, client.data_converter)
        assert {event.n for event in again} == {event.n for event in events}
        for event in again:
            assert replace(event, task=0) == replace(events[event.n - 1], task=0)


@pytest.mark.parametrize(("fails", "told"), [({}, "done"), ({"fail": "user.undo"}, "failed")], ids=["done", "failed"])
async def test_how_compensations_went_is_told(engine: Engine, fails: dict[str, str], told: str) -> None:
    undo = {"type": "test.work", "config": {"value": "undone", **fails}}
    bad = {"type": "fail", "needs": ["a"], "config": {"code": "user.no"}}
    handle = await engine.start(document({"a": work(1, compensate=undo), "bad": bad}))
    assert (await ended(handle)).error.code == "user.no"
    said = [event for event in engine.events(handle) if event.type.startswith("compensation.")]
    assert [(event.type, event.data) for event in said] == [
        ("compensation.started", {"due": 1}),
        ("compensation.ended", {"status": told}),
    ]
