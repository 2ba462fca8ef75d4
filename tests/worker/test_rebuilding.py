"""What is stored of executions is made again from Temporal's history, row by row."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from interpreter.start import Tuning
from store.database import Database
from store.ids import TenantId
from store.session import session
from tests.interpreter.documents import computing, document, work
from tests.interpreter.large_loops import FOREVER, SMALL, loop
from tests.store.telling import rows
from tests.worker.journals import Installation, execution_of, installation, is_whole
from worker import rebuilding
from worker.rebuilding import Rebuilt, rebuild

pytestmark = pytest.mark.usefixtures("no_schedule")

Handle = WorkflowHandle[Any, Any]

CHAIN = document({"a": work(1), "b": work(2, ["a"]), "c": work(3, ["b"])}, output="${{ nodes.c.output.value }}")
BATCHES = document({"a": work(1), "loop": {**loop("[0..6]", {"twice": computing("item * 2")}), "needs": ["a"]}})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has ended a moment ago has been written: the worker of the test has gone."""
    monkeypatch.setattr(rebuilding, "LOOKS", 0)


async def checked(running: Installation, handle: Handle) -> Rebuilt:
    return await rebuild(running.client, running.store, running.tenant, execution_of(handle), check=True)


async def rebuilt(running: Installation, handle: Handle) -> Rebuilt:
    return await rebuild(running.client, running.store, running.tenant, execution_of(handle), check=False)


async def everything(running: Installation, table: str) -> list[dict[str, Any]]:
    """All rows of a table as they are, but for what says when it was written and looked at."""
    async with session(running.store, running.tenant) as opened:
        found = await opened.sql.execute(text(f"select * from {table} order by 1, 2, 3, 4"))
        return [{**row} for row in found.mappings()]


async def change(running: Installation, *statements: str) -> None:
    async with session(running.store, running.tenant) as opened:
        for statement in statements:
            await opened.sql.execute(text(statement))


def told(found: Rebuilt) -> Sequence[tuple[str, str, tuple[str, ...]]]:
    return [(each.table, each.kind, each.columns) for each in found.differences]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "tuning"),
    [(CHAIN, Tuning()), (CHAIN, Tuning(continue_after=1)), (BATCHES, SMALL)],
    ids=["a chain", "over several runs", "with batches"],
)
async def test_a_rebuild_of_what_is_right_changes_nothing(
    client: Client, store: Database, tenant: TenantId, definition: dict[str, Any], tuning: Tuning
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(definition, {"x": 1}, tuning=tuning)
        await handle.result()
    tables = ("executions", "events", "node_runs", "search_values")
    before = [await everything(running, table) for table in tables]
    assert (await checked(running, handle)).differences == []
    found = await rebuilt(running, handle)
    assert (found.differences, found.left) == ([], [])
    assert found.events == len(await running.journal(handle)) - sum(
        row.strand is None for row in await running.journal(handle)
    )
    after = [await everything(running, table) for table in tables]
    for row in (*before[0], *after[0]):
        row.pop("healed")
    assert after == before


DAMAGES = {
    "update events set path = 'z' where n = 3": ("events", "other", ("path",)),
    "update events set data = null where n = 5": ("events", "other", ("data",)),
    "update events set at = now() where n = 1": ("events", "other", ("at",)),
    "update events set type = 'node.failed', checksum = 7 where n = 5": ("events", "other", ("type", "checksum")),
    "update node_runs set status = 'failed' where path = 'b'": ("node_runs", "other", ("status",)),
    "delete from node_runs where path = 'b'": ("node_runs", "missing", ()),
    "insert into node_runs (execution_id, attempt, path, status, strand, n, first_seq)"
    " select id, 1, 'never', 'running', '', 99, 99 from executions": ("node_runs", "false", ()),
    "update executions set status = 'failed', output = null, closed_at = null": (
        "executions",
        "other",
        ("status", "output", "closed_at"),
    ),
    "update executions set last_seq = 1": ("executions", "other", ("last_seq",)),
    "update executions set input = output, version = 9": ("executions", "other", ("version", "input")),
}


async def test_what_was_damaged_is_told_by_its_columns_and_mended(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(CHAIN, {"x": 1})
        await handle.result()
    right = await everything(running, "events")
    for damage, differs in DAMAGES.items():
        await change(running, damage)
        damaged = await everything(running, "events")
        assert told(await checked(running, handle)) == [differs], damage
        assert await everything(running, "events") == damaged, "a check writes nothing"
        assert told(await rebuilt(running, handle)) == [differs]
        assert told(await checked(running, handle)) == []
        mended = {row["seq"]: row for row in await everything(running, "events")}
        assert [mended[row["seq"]] for row in right] == right, "every row stands where it stood"
        runs = await rows(store, tenant, "node_runs")
        assert {path: run["status"] for path, run in runs.items()} == dict.fromkeys("abc", "succeeded")
        row = (await rows(store, tenant, "executions"))[execution_of(handle)]
        assert (row["status"], row["output"], row["input"]) == ("succeeded", 3, {"x": 1})


async def test_all_that_comes_from_the_history_is_there_again_after_it_was_lost(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(BATCHES, {"x": 1}, tuning=SMALL)
        await handle.result()
    before = await running.journal(handle)
    runs = await everything(running, "node_runs")
    await change(running, "delete from executions")
    assert not await running.journal(handle)
    assert ("executions", "missing", ()) in told(await checked(running, handle))
    await rebuilt(running, handle)
    again = await running.journal(handle)
    assert is_whole(again)

    def said(rows: Sequence[Any]) -> list[Any]:
        return sorted((row.attempt, row.strand, row.n, row.type, row.path, row.checksum) for row in rows if row.n)

    assert said(again) == said(before)
    assert [{**row, "first_seq": 0} for row in await everything(running, "node_runs")] == [
        {**row, "first_seq": 0} for row in runs
    ]
    assert told(await checked(running, handle)) == []
    row = (await rows(store, tenant, "executions"))[execution_of(handle)]
    assert (row["status"], row["workflow"], row["input"]) == ("succeeded", BATCHES["name"], {"x": 1})


async def test_rows_of_what_never_happened_are_withdrawn(client: Client, store: Database, tenant: TenantId) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(CHAIN, {"x": 1})
        await handle.result()
    await change(
        running,
        "insert into events (execution_id, seq, attempt, strand, n, type, path, at, previous, checksum, task)"
        " select id, last_seq + 1, 1, '', 9, 'node.started', 'ghost', now(), 1, 2, 99 from executions",
        "update executions set last_seq = last_seq + 1",
    )
    assert told(await checked(running, handle)) == [("events", "false", ())]
    await rebuilt(running, handle)
    journal = await running.journal(handle)
    assert [row.type for row in journal if row.n == 9] == ["replaced"]
    assert journal[-1].type == "journal.replaced"
    assert is_whole(journal)
    assert told(await checked(running, handle)) == []


async def test_an_execution_that_waits_and_one_that_was_terminated_are_rebuilt(
    client: Client, store: Database, tenant: TenantId
) -> None:
    waiting = document({"a": work(1), "w": {"type": "delay", "needs": ["a"], "config": {"for": "1h"}}})
    async with installation(client, store, tenant) as running:
        handle = await running.start(waiting)
        while len(await running.journal(handle)) < 5:
            await asyncio.sleep(0.05)
        assert told(await checked(running, handle)) == []
        await change(running, "update executions set status = 'running'", "delete from events where n > 2")
        await rebuilt(running, handle)
        assert (await rows(store, tenant, "executions"))[execution_of(handle)]["status"] == "waiting"
        assert told(await checked(running, handle)) == []
        await handle.terminate()
        assert [each for each in told(await checked(running, handle)) if each[0] == "executions"]
        await rebuilt(running, handle)
        row = (await rows(store, tenant, "executions"))[execution_of(handle)]
        assert (row["status"], row["error_code"]) == ("cancelled", "terminated")
        assert (await rows(store, tenant, "node_runs"))["w"]["status"] == "cancelled"
        before = await running.journal(handle)
        assert told(await checked(running, handle)) == []
        await change(running, "update executions set closed_at = null, status = 'waiting'")
        await rebuilt(running, handle)
        assert await running.journal(handle) == before


@pytest.mark.slow
async def test_what_ran_in_killed_batches_is_cancelled_and_stays_so(
    client: Client, store: Database, tenant: TenantId
) -> None:
    async with installation(client, store, tenant) as running:
        handle = await running.start(document({"loop": loop("[0..9]", {"w": FOREVER})}), tuning=SMALL)
        while [row.type for row in await running.journal(handle)].count("node.waiting") < 4:
            await asyncio.sleep(0.05)
        await client.get_workflow_handle(f"{handle.id}/loop/1").terminate()
        await rebuilt(running, handle)
        assert (await rows(store, tenant, "node_runs"))["loop[3].w"]["status"] == "cancelled"
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert told(await checked(running, handle)) == []
        again = await running.start(document({"loop": loop("[0..9]", {"w": FOREVER})}), tuning=SMALL)
        while [row.type for row in await running.journal(again)].count("node.waiting") < 4:
            await asyncio.sleep(0.05)
        await again.terminate()
        assert told(await checked(running, again))
        await rebuilt(running, again)
        assert told(await checked(running, again)) == []
        runs = await everything(running, "node_runs")
    statuses = [{run["status"] for run in runs if run["execution_id"] == execution_of(one)} for one in (handle, again)]
    assert statuses == [{"cancelled", "failed"}, {"cancelled"}]
