"""What the journal makes of events, in whatever order and however often they come."""

import asyncio
from collections.abc import Sequence

import pytest
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import StepEvent
from store import journal
from store.database import Database
from store.execution_search import Filters, page
from store.ids import TenantId
from store.journal import CHANGED, Entry, Note, Step
from store.session import session
from tests.store.telling import BEGAN, STARTED, Strand, rows, stored, whole


async def write(store: Database, tenant: TenantId, *events: StepEvent | Note, replayed: bool = False) -> None:
    entries: list[Entry] = [each if isinstance(each, Note) else Step(each, replayed) for each in events]
    async with session(store, tenant) as opened:
        await journal.write(opened, entries)


async def said(store: Database, tenant: TenantId) -> list[tuple[int, str, str]]:
    return [(row.seq, row.type, row.path) for row in await stored(store, tenant)]


async def test_an_execution_is_told_from_its_events(store: Database, tenant: TenantId) -> None:
    await write(store, tenant, *whole())
    assert [(row.seq, row.n) for row in await stored(store, tenant)] == [(n, n) for n in range(1, 7)]
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["workflow"], row["version"], row["trigger"], row["input"]) == ("demo", 3, "manual", {"a": 1})
    assert (row["status"], row["output"], row["error"], row["last_seq"]) == ("succeeded", "done", None, 6)
    assert (row["started_at"].timestamp(), row["closed_at"].timestamp()) == (BEGAN + 1, BEGAN + 6)
    runs = await rows(store, tenant, "node_runs")
    assert {path: (run["status"], run["port"], run["output"], run["type"]) for path, run in runs.items()} == {
        path: ("succeeded", "out", path, "transform") for path in "ab"
    }


async def test_what_comes_twice_is_written_once(store: Database, tenant: TenantId) -> None:
    note = Note("ex_1", "log", "a", BEGAN, {"message": "hello"})
    for _ in range(2):
        await write(store, tenant, *whole(), note, *whole(), note)
    assert len(await stored(store, tenant)) == 7


async def test_a_node_run_tells_whether_its_output_was_stored_before(store: Database, tenant: TenantId) -> None:
    strand = Strand()
    strand.say("execution.started", data=STARTED)
    for path in "ab":
        strand.say("node.started", path, {"type": "http.request"})
    strand.say("node.succeeded", "a", {"output": 1, "port": "out", "cached": True})
    strand.say("node.succeeded", "b", {"output": 1, "port": "out"})
    for event in reversed(strand.said):
        await write(store, tenant, event)
    runs = await rows(store, tenant, "node_runs")
    assert {path: run["cached"] for path, run in runs.items()} == {"a": True, "b": False}


async def test_a_failure_is_told_with_its_code(store: Database, tenant: TenantId) -> None:
    strand = Strand()
    strand.say("execution.started", data=STARTED)
    strand.say("node.started", "a", {"type": "http.request"})
    error: dict[str, JsonValue] = {"code": "http.status", "message": "404"}
    strand.say("node.failed", "a", {"error": error, "port": None})
    strand.say("execution.failed", data={"error": error})
    await write(store, tenant, *strand.said)
    run = (await rows(store, tenant, "node_runs"))["a"]
    assert (run["status"], run["error"], run["error_code"]) == ("failed", error, "http.status")
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["status"], row["error"], row["error_code"], row["output"]) == ("failed", error, "http.status", None)


async def test_an_execution_is_found_by_the_words_of_its_error_until_another_attempt_begins(
    store: Database, tenant: TenantId
) -> None:
    async def found(error: str) -> list[str]:
        async with session(store, tenant) as opened:
            return [row.id for row in await page(opened, Filters(error=error), after=None, limit=10)]

    strand = Strand()
    strand.say("execution.started", data=STARTED)
    error: dict[str, JsonValue] = {"code": "http.status", "message": "Größe XL is out of stock, says shop-7"}
    strand.say("execution.failed", data={"error": error})
    await write(store, tenant, *strand.said, *whole("ex_2"))
    for words in ("stock", "OUT of STOCK", "GRÖSSE", "größe shop", "status http"):
        assert await found(words) == ["ex_1"], words
    for words in ("stoc", "stock missing", "demo", "'; drop table executions; --"):
        assert await found(words) == [], words
    async with session(store, tenant) as opened:
        values = await opened.sql.scalars(text("select value from search_values"))
        assert not [value for value in values if value in "größe stock http.status shop"], "in clear"
    await write(store, tenant, Strand(attempt=2).say("execution.started", data=STARTED))
    assert await found("stock") == []


async def test_an_execution_waits_when_no_node_runs_and_one_waits(store: Database, tenant: TenantId) -> None:
    async def status() -> str:
        return (await rows(store, tenant, "executions"))["ex_1"]["status"]

    strand = Strand()
    await write(store, tenant, strand.say("execution.started", data=STARTED))
    assert await status() == "running"
    for node in "ab":
        await write(store, tenant, strand.say("node.started", node, {"type": "delay"}))
    await write(store, tenant, strand.say("node.waiting", "a", {"until": "soon"}))
    assert await status() == "running"
    await write(store, tenant, strand.say("node.succeeded", "b", {"output": 1, "port": "out"}))
    assert await status() == "waiting"
    await write(store, tenant, strand.say("node.succeeded", "a", {"output": None, "port": "out"}))
    assert await status() == "running"


async def test_a_lost_beginning_is_filled_in(store: Database, tenant: TenantId) -> None:
    events = whole()
    await write(store, tenant, *events[2:])
    assert (await rows(store, tenant, "executions"))["ex_1"]["status"] == "succeeded"
    await write(store, tenant, *events, replayed=True)
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["workflow"], row["version"], row["status"]) == ("demo", 3, "succeeded")
    run = (await rows(store, tenant, "node_runs"))["a"]
    assert (run["status"], run["type"], run["first_seq"]) == ("succeeded", "transform", 1)
    assert run["started_at"].timestamp() == BEGAN + 2
    assert [row.n for row in await stored(store, tenant)] == [3, 4, 5, 6, 1, 2]


async def test_what_an_abandoned_task_said_is_replaced_and_readers_are_told(store: Database, tenant: TenantId) -> None:
    first = Strand()
    first.say("execution.started", data=STARTED)
    for node in "abc":
        first.say("node.started", node, {"type": "delay"}, task=10)
    await write(store, tenant, *first.said)
    second = first.back_to(2)
    await write(store, tenant, second.say("node.skipped", "c", task=12))
    assert await said(store, tenant) == [
        (1, "execution.started", ""),
        (2, "node.started", "a"),
        (3, "node.skipped", "c"),
        (4, "replaced", "c"),
        (5, CHANGED, ""),
    ]
    assert (await stored(store, tenant))[-1].data == {"seqs": [3, 4]}
    runs = await rows(store, tenant, "node_runs")
    assert {path: run["status"] for path, run in runs.items()} == {"a": "running", "c": "skipped"}
    await write(store, tenant, second.say("node.succeeded", "a", {"output": 1, "port": "out"}, task=12))
    assert (await said(store, tenant))[3:] == [(4, "node.succeeded", "a"), (5, CHANGED, ""), (6, CHANGED, "")]


async def test_what_an_abandoned_task_said_does_not_come_back_late(store: Database, tenant: TenantId) -> None:
    first = Strand()
    first.say("execution.started", data=STARTED)
    for node in "abc":
        first.say("node.started", node, {"type": "delay"}, task=10)
    second = first.back_to(2)
    second.say("node.skipped", "c", task=12)
    await write(store, tenant, *second.said)
    await write(store, tenant, *first.said[2:])
    assert await said(store, tenant) == [
        (1, "execution.started", ""),
        (2, "node.started", "a"),
        (3, "node.skipped", "c"),
    ]


async def test_an_end_that_never_came_opens_the_execution_again(store: Database, tenant: TenantId) -> None:
    first = Strand()
    first.say("execution.started", data=STARTED)
    first.say("execution.succeeded", data={"output": 1}, task=8)
    await write(store, tenant, *first.said)
    second = first.back_to(1)
    await write(store, tenant, second.say("node.started", "a", {"type": "delay"}, task=10))
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["status"], row["closed_at"], row["output"]) == ("running", None, None)


async def test_all_beyond_the_end_of_a_strand_never_happened(store: Database, tenant: TenantId) -> None:
    events = whole()
    stray = Strand()
    for n in range(20):
        stray.say("node.started", f"s{n}", {"type": "delay"}, task=4)
    await write(store, tenant, *stray.said[10:])
    async with session(store, tenant) as opened:
        entries = [Step(event, replayed=True) for event in events]
        await journal.write(opened, entries, ends={("ex_1", 1, ""): len(events)})
    left = [row for row in await stored(store, tenant) if row.type not in {CHANGED, "replaced"}]
    assert [row.n for row in left] == [1, 2, 3, 4, 5, 6]
    assert set(await rows(store, tenant, "node_runs")) == {"a", "b"}


async def test_temporal_may_say_that_an_execution_ended_but_not_otherwise_than_it_did(
    store: Database, tenant: TenantId
) -> None:
    error: dict[str, JsonValue] = {"code": "terminated", "message": "Somebody ended it."}
    note = Note("ex_1", "execution.cancelled", "", BEGAN + 9, {"error": error})
    await write(store, tenant, *whole()[:-1], note)
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["status"], row["error_code"]) == ("cancelled", "terminated")
    await write(store, tenant, *whole())
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["status"], row["error_code"], row["output"]) == ("succeeded", None, "done")


async def test_another_attempt_opens_an_execution_again(store: Database, tenant: TenantId) -> None:
    await write(store, tenant, *whole())
    again = Strand(attempt=2)
    await write(store, tenant, again.say("execution.started", data=STARTED))
    row = (await rows(store, tenant, "executions"))["ex_1"]
    assert (row["attempt"], row["status"], row["closed_at"], row["output"]) == (2, "running", None, None)
    await write(store, tenant, *whole())
    assert (await rows(store, tenant, "executions"))["ex_1"]["attempt"] == 2


async def test_writers_at_once_leave_no_hole_and_lock_each_other_out_of_nothing(
    store: Database, tenant: TenantId
) -> None:
    names = [f"ex_{n}" for n in range(6)]

    async def tell(order: Sequence[str]) -> None:
        for at in range(6):
            await write(store, tenant, *(whole(name)[at] for name in order))
            await write(store, tenant, *(Note(name, "log", "a", BEGAN, str((order, at))) for name in order))

    await asyncio.gather(*(tell(names if n % 2 else names[::-1]) for n in range(4)))
    for name in names:
        found = await stored(store, tenant, name)
        assert [row.seq for row in found] == list(range(1, len(found) + 1))
        assert sorted(row.n for row in found if row.n) == [1, 2, 3, 4, 5, 6]
        assert sum(row.type == "log" for row in found) == 12


async def test_nothing_is_written_of_a_batch_that_fails(store: Database, tenant: TenantId) -> None:
    bad = Note("ex_1", "log", "a\0", BEGAN, None)
    with pytest.raises(Exception, match=r"NUL|0x00"):
        await write(store, tenant, *whole(), bad)
    assert await rows(store, tenant, "executions") == {}


@pytest.mark.parametrize("how", ["done", "failed"])
async def test_compensations_run_while_an_execution_does_and_leave_word_of_how_they_went(
    store: Database, tenant: TenantId, how: str
) -> None:
    async def states() -> tuple[str, str]:
        row = (await rows(store, tenant, "executions"))["ex_1"]
        return row["status"], row["compensation"]

    strand = Strand()
    await write(store, tenant, strand.say("execution.started", data=STARTED))
    assert await states() == ("running", "none")
    await write(store, tenant, strand.say("compensation.started"))
    assert await states() == ("running", "running")
    await write(store, tenant, strand.say("compensation.ended", data={"status": how}))
    assert await states() == ("running", how)
    await write(store, tenant, strand.say("execution.failed", data={"error": {"code": "user.no", "message": "No."}}))
    assert await states() == ("failed", how)
