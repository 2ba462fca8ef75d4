"""Pause and resume on a real Temporal server: over runs that continue as new, in batches, before an execution runs."""

import asyncio
import itertools
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from dag.steering import LOOK_INSIDE, STEER, Act, Command, Edit, Inside, InsideOf, Pause, Resume, Skip, Steered
from interpreter.start import Tuning
from tests.interpreter.documents import chain, computing, document, work
from tests.interpreter.engine import Engine, ended, until
from tests.interpreter.family import Family, family
from tests.interpreter.histories import Handle, replayed, runs
from tests.interpreter.large_loops import SMALL, batch, begun, loop

__all__ = ["family"]

IDS = itertools.count()
QUIET = 0.5
"""Seconds in which nothing may start."""


async def steer(handle: Handle, act: Act, *, id: str | None = None) -> Steered:
    command = Command(id or f"c-{next(IDS)}", "user:ann", act, "Lunch.")
    return await handle.execute_update(STEER, command, id=command.id, result_type=Steered)


async def refused(handle: Handle, act: Act) -> Any:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await steer(handle, act)
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause.type


def started(engine: Engine, handle: Handle) -> list[str]:
    return [event.path for event in engine.events(handle) if event.type == "node.started"]


async def test_a_pause_outlasts_continue_as_new_and_so_does_what_was_answered(engine: Engine) -> None:
    flow = chain(4)
    flow["nodes"]["n0"]["config"]["sleep"] = 0.3
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    await until(lambda: started(engine, handle))
    first = await steer(handle, Pause(), id="once")
    assert first.paused
    while (await handle.describe()).run_id == handle.first_execution_run_id:
        await asyncio.sleep(0.02)
    assert await steer(handle, Pause(), id="once") == first
    await asyncio.sleep(QUIET)
    assert started(engine, handle) == ["n0"]
    assert (await handle.query(LOOK_INSIDE, InsideOf(), result_type=Inside)).next == ["n1"]
    assert not (await steer(handle, Resume())).paused
    assert (await ended(handle)).output == {"value": 4}
    for history in await runs(engine.client, handle):
        await replayed(history, engine.client.data_converter)


async def test_clocks_run_on_while_an_execution_is_paused(engine: Engine) -> None:
    nodes = {
        "guard": {
            "type": "try",
            "config": {
                "body": {"nodes": {"x": {"type": "delay", "config": {"for": "1h"}}}},
                "finally": {"nodes": {"y": computing("1")}},
            },
        },
        "after": computing("1", ["guard"]),
    }
    handle = await engine.start(document(nodes, settings={"timeout": "1s"}))
    await until(lambda: engine.statuses(handle).get("guard.body.x") == "waiting")
    assert (await steer(handle, Pause())).paused
    assert (await ended(handle)).status == "timed_out"
    assert engine.statuses(handle) == {
        "guard": "cancelled",
        "guard.body.x": "cancelled",
        "guard.finally.y": "succeeded",
        "after": "skipped",
    }


async def test_what_is_refused_leaves_nothing_in_history(engine: Engine) -> None:
    handle = await engine.start(document({"a": work(1, config={"sleep": 20})}, vars={"x": 1}))
    await until(lambda: started(engine, handle))
    assert await refused(handle, Skip("b")) == "node.unknown"
    assert await refused(handle, Edit({"y": 1})) == "variable.unknown"
    accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    assert accepted not in {event.event_type for event in (await handle.fetch_history()).events}
    await steer(handle, Skip("a"))
    assert (await ended(handle)).status == "succeeded"
    assert engine.statuses(handle) == {"a": "skipped"}


@pytest.mark.slow
async def test_a_pause_reaches_the_batches_of_a_large_loop_also_those_that_begin_later(engine: Engine) -> None:
    flow = document({"loop": loop("[0..29]", {"a": work("${{ item }}", config={"sleep": 0.1})}, concurrency=6)})
    handle = await engine.start(flow, tuning=SMALL)
    await until(lambda: len(started(engine, handle)) > 4)
    await begun(batch(engine, handle, 0))
    await steer(handle, Pause())
    before: list[str] = []
    while before != (before := started(engine, handle)):
        await asyncio.sleep(2 * QUIET)
    assert len(before) < 31
    await steer(handle, Resume())
    assert (await ended(handle)).output == [{"value": n} for n in range(30)]
    for history in await runs(engine.client, batch(engine, handle, 1)):
        await replayed(history, engine.client.data_converter)


@pytest.mark.slow
async def test_an_execution_that_is_queued_can_be_paused_and_starts_nothing_when_it_is_admitted(family: Family) -> None:
    nodes = {"a": {"type": "wait_event", "config": {"events": [{"name": "go"}]}}}
    await family.publish("flow", nodes, settings={"concurrency": {"limit": 1}})

    def said(handle: Handle) -> list[str]:
        return [event.type for event in family.events(handle)]

    first = await family.start("flow", 1)
    await until(lambda: "node.waiting" in said(first))
    second = await family.start("flow", 2)
    await until(lambda: "execution.queued" in said(second))
    await steer(second, Pause())
    await steer(first, Skip("a"))
    assert (await ended(first)).status == "succeeded"
    await until(lambda: "execution.started" in said(second))
    await asyncio.sleep(QUIET)
    assert "node.started" not in said(second)
    [paused] = [event.data for event in family.events(second) if event.type == "execution.paused"]
    assert paused == {"by": "user:ann", "reason": "Lunch.", "queued": True}
    await steer(second, Resume())
    await until(lambda: "node.waiting" in said(second))
    await second.cancel()
    assert (await ended(second)).status == "cancelled"


@pytest.mark.slow
async def test_a_child_that_starts_while_its_parent_is_paused_is_paused_too_and_goes_on_with_it(family: Family) -> None:
    await family.publish(
        "child", {"wait": {"type": "delay", "config": {"for": "200ms"}}, "b": computing("7", ["wait"])}
    )
    await family.publish("parent", {"sub": {"type": "workflow", "config": {"name": "child"}}})
    parent = await family.start("parent")
    await until(lambda: any(event.path == "sub" for event in family.events(parent)))
    await steer(parent, Pause())
    await until(lambda: any(event.type == "node.waiting" for event in family.events(parent)))
    [told] = [event.data for event in family.events(parent) if event.type == "node.waiting"]
    assert isinstance(told, dict)
    child = family.client.get_workflow_handle(f"{family.tenant}/{told['execution']}")
    await until(lambda: any(event.type == "execution.paused" for event in family.events(child)))
    await asyncio.sleep(QUIET)
    assert not any(event.path == "b" for event in family.events(child))
    await steer(parent, Resume())
    assert (await ended(parent)).output == 7
