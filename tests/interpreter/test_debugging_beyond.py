"""Debugging that reaches batches and the executions that are waited for, on a real Temporal server."""

import asyncio
import itertools
import uuid
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dag.steering import (
    LOOK_INSIDE,
    STEER,
    Act,
    Breakpoint,
    Clear,
    Command,
    Debugging,
    Disable,
    Edit,
    Held,
    Inside,
    InsideOf,
    Resume,
    Set,
    Skip,
    Steered,
    StepOn,
)
from interpreter.start import Tuning
from store.database import Database
from store.ids import TenantId
from tests.interpreter.documents import computing
from tests.interpreter.engine import ended, until
from tests.interpreter.family import Family, calling, family, id_of, working
from tests.interpreter.histories import Handle, replayed, runs
from tests.interpreter.large_loops import SMALL, loop
from tests.interpreter.witness import Witness
from tests.worker.attempts import Recorded

__all__ = ["family"]

IDS = itertools.count()
BODY = {"price": computing("item * vars.rate"), "note": computing("nodes.price.output", ["price"])}


async def steer(handle: Handle, act: Act) -> Steered:
    """Ask as the API does: Temporal fails the task, and with it the update, in which an execution ends or goes over to
    its next run just when something else comes."""
    command = Command(f"c-{next(IDS)}", "user:ann", act, reaches=True)
    while True:
        try:
            return await handle.execute_update(STEER, command, id=command.id, result_type=Steered)
        except RPCError as refused:
            if refused.status != RPCStatusCode.FAILED_PRECONDITION:
                raise


async def go_on(handle: Handle) -> None:
    """Resume it; who asks again may find that it has ended."""
    try:
        await steer(handle, Resume())
    except RPCError as refused:
        if refused.status != RPCStatusCode.NOT_FOUND:
            raise


async def look(handle: Handle) -> Inside:
    return await handle.query(LOOK_INSIDE, InsideOf(), result_type=Inside)


async def held(handle: Handle, path: str | None = None) -> Held:
    """Where it is held, once it is (there): a task that Temporal has to give out again comes seconds later."""
    async with asyncio.timeout(30):
        while not (found := (await look(handle)).held) or path not in (None, found.path):
            await asyncio.sleep(0.02)
    return found


async def replays(family: Family, *handles: Handle) -> None:
    for handle in handles:
        for history in await runs(family.client, handle):
            await replayed(history, family.client.data_converter)


def debugging(*breakpoints: Breakpoint, hold: bool = False) -> Debugging:
    return Debugging(breakpoints, hold=hold, reaches=True)


async def looped(family: Family, body: dict[str, Any], **fields: Any) -> None:
    nodes = {"each": loop("[0..8]", body, concurrency=3), "after": computing("1", ["each"])}
    await family.publish("flow", nodes, vars={"rate": 1}, **fields)


async def test_a_breakpoint_in_one_turn_of_a_batch_holds_the_execution_and_steps_and_edits_reach_it(
    family: Family,
) -> None:
    await looped(family, BODY)
    handle = await family.start("flow", tuning=SMALL, debug=debugging(Breakpoint("each[4].price", "item = 4")))
    assert await held(handle) == Held("each[4].price", "breakpoint", "each[4].price")
    assert family.told(handle, "execution.paused") == [{"by": "debugger", "reason": "It is held at each[4].price."}]
    stepped = await steer(handle, StepOn())
    assert not stepped.paused
    assert (await held(handle, "each[4].note")).why == "step"
    await steer(handle, Edit({"rate": 100}))
    await steer(handle, Set(Breakpoint("each[5].price")))
    await steer(handle, Resume())
    await held(handle, "each[5].price")
    await steer(handle, Resume())
    assert (await ended(handle)).status == "succeeded"
    prices: dict[str, Any] = {
        event.path: event.data for event in family.events(handle, "node.succeeded") if ".price" in event.path
    }
    assert prices["each[4].price"]["output"] == 4  # it had been computed before the edit
    assert prices["each[5].price"]["output"] == 500
    strands = [family.client.get_workflow_handle(f"{handle.id}/each/{number}") for number in range(3)]
    await replays(family, handle, *strands)


@pytest.mark.slow
async def test_a_breakpoint_for_every_turn_shows_each_of_them_whatever_batches_run_at_once(family: Family) -> None:
    await looped(family, BODY)
    handle = await family.start("flow", tuning=SMALL, debug=debugging(Breakpoint("each.note")))
    shown: list[str] = []
    while len(shown) < 9:
        found = await held(handle)
        if found.path not in shown:
            shown.append(found.path)
            await steer(handle, Resume())
        await asyncio.sleep(0.02)
    assert (await ended(handle)).status == "succeeded"
    assert sorted(shown) == [f"each[{turn}].note" for turn in range(9)]


@pytest.mark.slow
async def test_a_failure_in_a_batch_is_held_and_its_node_can_be_skipped_instead(family: Family) -> None:
    fails = {"price": computing("item = 7 ? $error('no luck') : item"), "note": computing("1", ["price"])}
    await looped(family, fails)
    handle = await family.start("flow", tuning=SMALL, debug=debugging(Breakpoint("*", on_error=True)))
    found = await held(handle, "each[7].price")
    assert found.why == "error"
    await steer(family.client.get_workflow_handle(f"{handle.id}/each/2"), Skip("each[7].price"))
    await steer(handle, Resume())
    assert (await ended(handle)).status == "succeeded"
    assert family.statuses(handle)["each[7].price"] == "skipped"


@pytest.mark.slow
async def test_a_step_into_a_large_loop_ends_in_its_first_batch_and_steps_go_on_to_the_next_batches(
    family: Family,
) -> None:
    await looped(family, BODY)
    handle = await family.start("flow", tuning=SMALL, debug=debugging(hold=True))
    assert await held(handle) == Held("each", "start")
    await steer(handle, StepOn("into"))
    assert await held(handle, "each[0].price") == Held("each[0].price", "step")
    seen: list[str] = []
    while not seen or seen[-1] != "after":
        seen.append((await held(handle)).path)
        await steer(handle, StepOn("into"))
        if seen[-1] != "after":
            async with asyncio.timeout(30):
                while (now := (await look(handle)).held) is None or now.path == seen[-1]:
                    await asyncio.sleep(0.02)
    assert (await ended(handle)).status == "succeeded"
    assert sorted(seen) == sorted([f"each[{n}].{node}" for n in range(9) for node in ("price", "note")] + ["after"])


async def test_breakpoints_and_steps_reach_the_execution_that_a_node_waits_for(family: Family) -> None:
    await family.publish("leaf", {"deep": computing("7"), "deeper": computing("8", ["deep"])})
    await family.publish("child", {"a": computing("1"), "b": calling("leaf", needs=["a"])})
    await family.publish("parent", {"sub": calling("child"), "last": computing("2", ["sub"])})
    handle = await family.start("parent", debug=debugging(Breakpoint("sub.b.deeper"), hold=True))
    assert await held(handle) == Held("sub", "start")
    await steer(handle, StepOn("into"))
    child = await family.child(handle, "sub")
    assert await held(handle, "sub.a") == Held("sub.a", "step", execution=id_of(child))
    assert (await look(child)).held == Held("a", "step")
    await steer(handle, Resume())
    leaf = await family.child(child, "b")
    found = await held(handle, "sub.b.deeper")
    assert found == Held("sub.b.deeper", "breakpoint", "deeper", execution=id_of(leaf))
    assert (await look(child)).held == Held("b.deeper", "breakpoint", "deeper", execution=id_of(leaf))
    await steer(handle, StepOn())  # its last node: the step goes on around it
    assert await held(handle, "last") == Held("last", "step")
    await steer(handle, Disable())
    assert (await ended(handle)).status == "succeeded"
    await replays(family, handle, child, leaf)


async def test_what_is_said_before_the_first_task_changes_how_it_is_debugged_from_the_start(
    client: Client, store: Database, tenant: TenantId
) -> None:
    family = Family(client, store, tenant, f"q-{uuid.uuid4().hex}", Recorded(), Witness())
    await family.publish("flow", {"a": computing("1"), "b": computing("2", ["a"])})
    handle = await family.start("flow", debug=debugging(Breakpoint("a")))
    for act in (Clear("a"), Set(Breakpoint("b"))):
        await handle.signal(STEER, Command(f"c-{next(IDS)}", "user:ann", act))
    async with working(family):
        assert (await held(handle)).path == "b"
        await steer(handle, Resume())
        assert (await ended(handle)).status == "succeeded"
        await replays(family, handle)


@pytest.mark.slow
async def test_who_goes_on_by_itself_lets_the_one_around_go_on(family: Family) -> None:
    await family.publish("child", {"a": computing("1"), "b": computing("2", ["a"])})
    await family.publish("parent", {"sub": calling("child")})
    handle = await family.start("parent", debug=debugging(Breakpoint("sub.*", "true")), tuning=Tuning(continue_after=1))
    child = await family.child(handle, "sub")
    assert (await held(handle)).path == "sub.a"
    await steer(child, StepOn())
    await held(handle, "sub.b")
    await steer(handle, Clear("sub.*"))
    await go_on(child)
    assert (await ended(handle)).status == "succeeded"
    assert len(family.told(handle, "execution.resumed")) == 1
    await replays(family, handle, child)


@pytest.mark.slow
@pytest.mark.parametrize("reaches", [False, True])
async def test_what_nobody_debugs_is_told_nothing(family: Family, *, reaches: bool) -> None:
    await looped(family, {"price": computing("item")})
    debug = Debugging(reaches=reaches)
    handle = await family.start("flow", tuning=SMALL, debug=debug)
    assert (await ended(handle)).status == "succeeded"
    await until(lambda: family.has_ended(id_of(handle)))
    [history] = await runs(family.client, handle)
    markers = [event for event in history.events if event.HasField("marker_recorded_event_attributes")]
    assert not [one for one in markers if b"perdure.tell" in one.SerializeToString()]
