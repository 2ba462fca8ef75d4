"""Journals that lost something are whole again after a pass, whatever it was."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from dag.sub_workflows import Origin
from interpreter.start import Tuning
from store import checking, journal
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.interpreter.documents import document, work
from tests.store.telling import rows, whole
from tests.worker.journals import execution_of, installation, is_whole, make_due
from worker import reconcile
from worker.healing import heal
from worker.reconcile import RECONCILE, ensure_schedule
from worker.sink import Step

pytestmark = pytest.mark.usefixtures("no_schedule")

CHAIN = document({"a": work(1), "b": work(2, ["a"]), "c": work(3, ["b"])}, output="${{ nodes.c.output.value }}")
EVENTS = 8
WAITING = document({"a": work(1), "w": {"type": "delay", "needs": ["a"], "config": {"for": "1h"}}})


async def a_pass(store: Database, tenant: TenantId, client: Client) -> None:
    await make_due(store, tenant)
    await reconcile.run(client, store, None)


async def ended(store: Database, tenant: TenantId, handle: WorkflowHandle[object, object]) -> dict[str, object]:
    return (await rows(store, tenant, "executions"))[execution_of(handle)]


@pytest.mark.parametrize(
    "lost",
    [
        range(3, 5),
        pytest.param(range(1, 3), marks=pytest.mark.slow),
        range(7, 99),
        pytest.param(range(1, 99), marks=pytest.mark.slow),
    ],
    ids=["the middle", "the beginning", "the end", "everything"],
)
async def test_what_was_lost_of_a_closed_execution_is_found_again(
    client: Client, store: Database, tenant: TenantId, lost: range
) -> None:
    async with installation(client, store, tenant, loses=lambda step: step.event.n in lost) as running:
        handle = await running.start(CHAIN, {"x": 1})
        assert await handle.result() == 3
    assert not is_whole(await running.journal(handle), events=EVENTS)
    await a_pass(store, tenant, client)
    mended = await running.journal(handle)
    assert is_whole(mended, events=EVENTS)
    row = await ended(store, tenant, handle)
    assert (row["status"], row["output"], row["workflow"]) == ("succeeded", 3, CHAIN["name"])
    runs = await rows(store, tenant, "node_runs")
    assert {path: run["status"] for path, run in runs.items()} == dict.fromkeys("abc", "succeeded")
    await a_pass(store, tenant, client)
    assert await running.journal(handle) == mended


async def test_what_was_lost_before_a_continued_run_is_found_again(
    client: Client, store: Database, tenant: TenantId
) -> None:
    nodes = {f"n{n}": work(n, [f"n{n - 1}"] if n else []) for n in range(7)}
    lost = {2, 5, 6, 9}
    async with installation(client, store, tenant, loses=lambda step: step.event.n in lost) as running:
        handle = await running.start(document(nodes), tuning=Tuning(continue_after=2))
        await handle.result()
    await a_pass(store, tenant, client)
    assert is_whole(await running.journal(handle), events=16)


async def test_the_lost_end_of_what_waits_is_found_again_and_then_only_asked_about(
    client: Client, store: Database, tenant: TenantId, caplog: pytest.LogCaptureFixture
) -> None:
    def loses(step: Step) -> bool:
        return step.event.n > 2

    async with installation(client, store, tenant, loses=loses) as running:
        handle = await running.start(WAITING)
        while (await handle.fetch_history()).events[-1].event_type != EventType.EVENT_TYPE_TIMER_STARTED:
            await asyncio.sleep(0.05)
        while len(await running.journal(handle)) < 3:  # what is not lost: an attempt, too
            await asyncio.sleep(0.05)
        with caplog.at_level(logging.INFO, "perdure.reconcile"):
            await a_pass(store, tenant, client)
            assert is_whole(await running.journal(handle), events=5)
            assert (await ended(store, tenant, handle))["status"] == "waiting"
            assert caplog.text.count("whole again") == 1
            await a_pass(store, tenant, client)
            await a_pass(store, tenant, client)
        assert caplog.text.count("whole again") == 1
        await handle.terminate()


async def test_an_execution_that_an_operator_terminates_is_closed_here(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(WAITING)
        while len(await running.journal(handle)) < 5:
            await asyncio.sleep(0.05)
        await handle.terminate()
        await a_pass(store, tenant, client)
    row = await ended(store, tenant, handle)
    assert (row["status"], row["error_code"]) == ("cancelled", "terminated")


async def test_what_only_the_journal_wrote_has_its_parent_after_healing(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant, loses=lambda step: step.event.n == 3) as running:
        handle = await running.start(CHAIN, {"x": 1}, origin=Origin("ex_parent", "each[2].call"))
        await handle.result()
    assert (await ended(store, tenant, handle))["parent_execution"] is None
    await a_pass(store, tenant, client)
    row = await ended(store, tenant, handle)
    assert (row["parent_execution"], row["parent_path"]) == ("ex_parent", "each[2].call")


async def test_a_journal_that_cannot_be_mended_keeps_no_other_from_it(
    client: Client, store: Database, tenant: TenantId, caplog: pytest.LogCaptureFixture
) -> None:
    async with installation(client, store, tenant, loses=lambda step: step.event.n == 3) as running:
        broken = await client.start_workflow(
            "nonsense", "no start", id=f"{tenant}/ex_nonsense", task_queue=running.settings.queue
        )
        with pytest.raises(WorkflowFailureError):
            await broken.result()
        handle = await running.start(CHAIN, {"x": 1})
        await handle.result()
    async with session(store, tenant) as opened:
        assert await checking.not_closed(opened, {ExecutionId("ex_nonsense"): datetime.now(UTC)}) == ["ex_nonsense"]
    await a_pass(store, tenant, client)
    assert is_whole(await running.journal(handle), events=EVENTS)
    assert (await ended(store, tenant, broken))["status"] == "failed"


async def test_what_a_pass_was_mending_when_it_was_cut_off_is_mended_by_the_next(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant, loses=lambda step: step.event.n > 4) as running:
        handle = await running.start(CHAIN, {"x": 1})
        await handle.result()
    async with session(store, tenant) as opened:
        await opened.sql.execute(text("lock table events in exclusive mode"))
        mending = asyncio.create_task(heal(client, store, tenant, execution_of(handle)))
        waits = text("select from pg_locks where relation = 'events'::regclass and not granted")
        while not (await opened.sql.execute(waits)).all():
            await asyncio.sleep(0.02)
        mending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await mending
    await a_pass(store, tenant, client)
    assert is_whole(await running.journal(handle), events=EVENTS)


async def test_what_temporal_does_not_know_is_asked_about_once(
    client: Client, store: Database, tenant: TenantId, caplog: pytest.LogCaptureFixture
) -> None:
    async with session(store, tenant) as opened:
        await journal.write(opened, [journal.Step(event) for event in whole("ex_unknown")[:-1]])
    for _ in range(2):
        async with session(store, tenant) as opened:
            await opened.sql.execute(text("update executions set check_at = least(check_at, now())"))
        await reconcile.run(client, store, None)
    assert caplog.text.count("no longer knows") == 1


async def test_many_that_wait_are_looked_at_in_turns(client: Client, store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        await journal.write(opened, [journal.Step(whole(f"ex_{n}")[0]) for n in range(5)])
    left: list[int] = []
    await make_due(store, tenant)
    for _ in range(2):
        await reconcile.run(client, store, None, looks=3)
        async with session(store, tenant) as opened:
            left.append(
                (await opened.sql.scalars(text("select count(*) from executions where check_at < now()"))).one()
            )
    assert left == [2, 0]


async def test_the_schedule_mends_what_a_worker_lost_that_died_after_its_last_task(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant, loses=lambda step: step.event.n > 4) as dying:
        handle = await dying.start(CHAIN, {"x": 1})
        await handle.result()
    schedule = client.get_schedule_handle(RECONCILE)
    try:
        async with installation(client, store, tenant) as running:
            for _ in range(2):
                await ensure_schedule(client, running.settings, every=timedelta(seconds=1))
            async with asyncio.timeout(60):
                while not is_whole(await running.journal(handle), events=EVENTS):
                    await asyncio.sleep(0.2)
            description = await schedule.describe()
            assert description.schedule.policy.catchup_window == timedelta(seconds=10)
            await schedule.pause()
    finally:
        await schedule.delete()
