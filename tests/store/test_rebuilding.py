"""What is rebuilt of an execution whose history is not all there, or goes on."""

from dag.events import StepEvent
from store import head_rebuilding, journal, rebuilding
from store.database import Database
from store.differences import Difference
from store.head_rebuilding import Known
from store.ids import ExecutionId, TenantId
from store.journal import Step
from store.rebuilding import Said
from store.session import session
from tests.store.telling import STARTED, Strand, stored


def waiting() -> list[StepEvent]:
    strand = Strand()
    strand.say("execution.started", data=STARTED)
    strand.say("execution.search", data={"values": {"invoice": "4711"}})
    strand.say("node.started", "a", {"type": "transform"}, task=4)
    strand.say("node.succeeded", "a", {"output": 1, "port": "out"}, task=5)
    strand.say("execution.paused", data={}, task=6)
    strand.say("execution.resumed", data={}, task=7)
    strand.say("execution.succeeded", data={"output": "done"}, task=8)
    return strand.said


async def differ(store: Database, tenant: TenantId, said: list[StepEvent], *, ended: bool) -> list[Difference]:
    own = [event for event in said if not event.path]
    async with session(store, tenant) as opened:
        found = await rebuilding.strand(opened, Said(said, ended))
        found += await head_rebuilding.head(opened, ExecutionId("ex_1"), Known(own))
        await opened.sql.rollback()
        return found


async def test_any_part_of_what_was_said_agrees_with_what_is_stored(store: Database, tenant: TenantId) -> None:
    said = waiting()
    async with session(store, tenant) as opened:
        await journal.write(opened, [Step(event) for event in said])
    for first in (0, 1, 4):
        assert await differ(store, tenant, said[first:], ended=True) == []
    for last in (1, 3, 5):
        assert await differ(store, tenant, said[:last], ended=False) == []


async def test_a_row_that_is_missing_comes_at_the_end_and_all_others_stay(store: Database, tenant: TenantId) -> None:
    said = waiting()
    async with session(store, tenant) as opened:
        await journal.write(opened, [Step(event) for event in said if event.n not in (2, 4)])
    before = await stored(store, tenant)
    async with session(store, tenant) as opened:
        found = await rebuilding.strand(opened, Said(said, ended=True))
        found += await head_rebuilding.head(
            opened, ExecutionId("ex_1"), Known([each for each in said if not each.path])
        )
    assert [(each.table, each.kind, each.columns) for each in found] == [
        ("events", "missing", ()),
        ("events", "missing", ()),
        ("node_runs", "other", ("status", "port", "n", "ended_at", "output")),
    ]
    after = await stored(store, tenant)
    assert after[: len(before)] == before
    assert [(row.seq, row.n) for row in after[len(before) :]] == [(6, 2), (7, 4)]
    assert await differ(store, tenant, said, ended=True) == []
