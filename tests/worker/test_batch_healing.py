"""Batches of large loops are looked after like executions: their journals are made whole, their deaths told."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from interpreter.start import Tuning
from store import strands
from store.database import Database
from store.ids import TenantId
from store.session import session
from tests.interpreter.documents import computing, document
from tests.interpreter.large_loops import FOREVER, SMALL, loop
from tests.store.telling import rows
from tests.worker.journals import Installation, execution_of, installation, is_whole, make_due
from worker import reconcile

Handle = WorkflowHandle[Any, Any]

WAITING = document({"loop": loop("[0..9]", {"w": FOREVER})})


async def a_pass(running: Installation) -> None:
    await make_due(running.store, running.tenant)
    await reconcile.run(running.client, running.store, None)


async def waiting(running: Installation, handle: Handle, count: int = 4) -> None:
    """Wait until so many turns do, as far as the journal tells."""
    while [row.type for row in await running.journal(handle)].count("node.waiting") < count:
        await asyncio.sleep(0.05)


def batch(running: Installation, handle: Handle, number: int) -> Handle:
    return running.client.get_workflow_handle(f"{handle.id}/loop/{number}")


async def statuses(running: Installation) -> dict[str, Any]:
    runs = await rows(running.store, running.tenant, "node_runs")
    return {path: run["status"] for path, run in runs.items()}


@pytest.mark.parametrize(
    ("lost", "tuning"),
    [
        pytest.param(range(4, 99), SMALL, marks=pytest.mark.slow),
        pytest.param(range(2, 5), SMALL, marks=pytest.mark.slow),
        (range(1, 99), SMALL),
        (range(4, 99), replace(SMALL, continue_after=1)),
    ],
    ids=["the end", "the middle", "everything", "the end over several runs"],
)
async def test_what_was_lost_of_a_batch_is_found_again_though_the_execution_has_ended(
    client: Client, store: Database, tenant: TenantId, lost: range, tuning: Tuning
) -> None:
    body = {"pause": {"type": "delay", "config": {"for": "1ms"}}, "twice": computing("item * 2", ["pause"])}
    async with installation(
        client, store, tenant, loses=lambda step: step.event.strand == "loop/1" and step.event.n in lost
    ) as running:
        handle = await running.start(document({"loop": loop("[0..6]", body)}), tuning=tuning)
        assert await handle.result() == [*range(0, 14, 2)]
    before = await running.journal(handle)
    async with session(store, tenant) as opened:
        assert await strands.not_whole(opened, execution_of(handle)) == ["loop/1"]
        ended = [(execution_of(handle), f"loop/{number}") for number in range(3)]
        known = [] if lost.stop < 99 else [ended[1]]
        assert await strands.not_ended(opened, ended) == known
    await a_pass(running)
    mended = await running.journal(handle)
    assert len(mended) > len(before)
    assert is_whole(mended)
    assert [row.strand for row in mended if row.type == "strand.ended"].count("loop/1") == 1
    assert set((await statuses(running)).values()) == {"succeeded"}
    assert len(await statuses(running)) == 1 + 7 * 2
    await a_pass(running)
    assert await running.journal(handle) == mended


async def test_the_loop_of_a_batch_that_an_operator_terminates_is_told(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(WAITING, tuning=SMALL)
        await waiting(running, handle)
        await batch(running, handle, 1).terminate()
        await a_pass(running)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "batch.terminated"
    row = (await rows(store, tenant, "executions"))[execution_of(handle)]
    assert (row["status"], row["error_code"]) == ("failed", "batch.terminated")
    assert await statuses(running) == {
        "loop": "failed",
        **dict.fromkeys(["loop[0].w", "loop[3].w", "loop[6].w", "loop[9].w"], "cancelled"),
    }


async def test_the_batches_of_an_execution_that_an_operator_terminates_are_ended(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(WAITING, tuning=SMALL)
        await waiting(running, handle)
        await handle.terminate()
        await a_pass(running)
        for number in range(4):
            described = await batch(running, handle, number).describe()
            assert described.status is WorkflowExecutionStatus.TERMINATED
    assert is_whole(await running.journal(handle))
    row = (await rows(store, tenant, "executions"))[execution_of(handle)]
    assert (row["status"], row["error_code"]) == ("cancelled", "terminated")
    assert {*(await statuses(running)).values()} == {"cancelled"}


async def test_what_a_terminated_batch_has_begun_is_ended_too(
    client: Client, store: Database, tenant: TenantId
) -> None:
    inner = loop("[0..3]", {"w": FOREVER}, **{"as": "b"})
    async with installation(client, store, tenant) as running:
        handle = await running.start(document({"loop": loop("[0..3]", {"inner": inner}, concurrency=2)}), tuning=SMALL)
        await waiting(running, handle, 6)
        await batch(running, handle, 0).terminate()
        await a_pass(running)
        for number in range(2):
            within = client.get_workflow_handle(f"{handle.id}/loop[0].inner/{number}")
            assert (await within.describe()).status is WorkflowExecutionStatus.TERMINATED
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert is_whole(await running.journal(handle))
