"""What the row of an execution says of pauses, in whatever order the journal hears of them."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from dag.events import EventType, StepEvent
from store import executions, journal
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.journal import Step
from store.session import session
from tests.store.telling import STARTED, Strand, rows


async def write(store: Database, tenant: TenantId, *events: StepEvent) -> None:
    async with session(store, tenant) as opened:
        await journal.write(opened, [Step(event) for event in events])


async def status(store: Database, tenant: TenantId) -> str:
    return (await rows(store, tenant, "executions"))["ex_1"]["status"]


def steered(*types: EventType) -> list[StepEvent]:
    strand = Strand()
    strand.say("execution.started", data=STARTED)
    for type in types:
        strand.say(type, data={"by": "key:test", "reason": None})
    return strand.said


async def test_a_paused_execution_stays_so_whatever_else_happens_in_it(store: Database, tenant: TenantId) -> None:
    strand = Strand()
    await write(store, tenant, strand.say("execution.started", data=STARTED), strand.say("execution.paused"))
    assert await status(store, tenant) == "paused"
    await write(store, tenant, strand.say("node.started", "a", {"type": "delay"}), strand.say("node.waiting", "a"))
    assert await status(store, tenant) == "paused"
    await write(store, tenant, strand.say("execution.resumed", data={}))
    assert await status(store, tenant) == "waiting"
    await write(store, tenant, strand.say("execution.paused"))
    await write(store, tenant, strand.say("execution.succeeded", data={"output": 1}))
    assert await status(store, tenant) == "succeeded"


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0)], ids=["in order", "the pause late", "backwards"])
async def test_a_pause_that_is_told_late_holds_nothing_that_goes_on(
    store: Database, tenant: TenantId, order: Sequence[int]
) -> None:
    events = steered("execution.paused", "execution.resumed")
    for number in order:
        await write(store, tenant, events[number])
    assert await status(store, tenant) == "running"


async def test_one_that_is_paused_before_it_runs_is_queued_again_once_it_is_resumed(
    store: Database, tenant: TenantId
) -> None:
    strand = Strand()
    await write(store, tenant, strand.say("execution.paused", data={"queued": True}))
    await write(store, tenant, strand.say("execution.queued", data={"limit": 1}))
    assert await status(store, tenant) == "paused"
    await write(store, tenant, strand.say("execution.resumed", data={"queued": True}))
    assert await status(store, tenant) == "queued"
    await write(store, tenant, strand.say("execution.started", data=STARTED))
    assert await status(store, tenant) == "running"


async def test_a_further_attempt_can_be_paused_and_forgets_the_error_of_the_one_before(
    store: Database, tenant: TenantId
) -> None:
    first = Strand()
    first.say("execution.started", data=STARTED)
    first.say("execution.paused")
    first.say("execution.resumed", data={})
    first.say("execution.failed", data={"error": {"code": "http.status", "message": "It was refused."}})
    await write(store, tenant, *first.said)
    async with session(store, tenant) as opened:
        words = text("select count(*) from search_values where key = 'error'")
        assert (await opened.sql.execute(words)).scalar_one()
        await executions.reopen(opened, ExecutionId("ex_1"), attempt=2)
        assert not (await opened.sql.execute(words)).scalar_one()
    second = Strand(attempt=2)
    await write(store, tenant, second.say("execution.started", data=STARTED), second.say("execution.paused"))
    assert await status(store, tenant) == "paused"
