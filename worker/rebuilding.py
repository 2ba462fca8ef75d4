"""Rebuilds what is stored of an execution from Temporal's history: all runs of it and of its strands are replayed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHistory

from dag.again import RERUN
from dag.events import StepEvent
from dag.strands import StrandId, batch_strand
from interpreter.start import Start
from runtime.children import report_killed
from runtime.executions import begun, origin_of
from store import head_rebuilding, journal, rebuilding
from store.chains import ENDINGS
from store.database import Database
from store.differences import Difference
from store.head_rebuilding import Known
from store.ids import ExecutionId, TenantId
from store.journal import Note
from store.rebuilding import Said
from store.session import Session, session
from worker.healing import Forgotten, attempt_before, describe, describe_strand, end_of, has_ended, replayed, settle
from worker.histories import histories

SETTLED = timedelta(seconds=10)
"""After its end, what an execution has said has been written."""
LOOKS = 3
"""What is said while it is replayed is written a moment later: only what still differs then is wrong."""
PAUSE = 1.0
KILLED = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
}
FAILED = {EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED}
"""What becomes of a batch that says nothing."""


@dataclass(frozen=True)
class Rebuilt:
    """What differed. It has been put right, unless it was only asked for."""

    differences: Sequence[Difference]
    events: int
    """How many were replayed."""
    left: Sequence[str]
    """Strands that Temporal does not know, or not any more: what is stored of them stays as it is."""


def nobody(_: int) -> None:
    """Is told, and does not mind."""


async def rebuild(
    client: Client,
    database: Database,
    tenant: TenantId,
    execution: ExecutionId,
    *,
    check: bool,
    replayed: Callable[[int], None] = nobody,
) -> Rebuilt:
    """Rebuild an execution, or with `check` only say what differs; tells how many events each run had. Raises
    Forgotten, RPCError, StoreUnavailable."""
    for _ in range(LOOKS):
        described = await describe(client, tenant, execution)
        if not _lively(described):
            break
        found = await _rebuilt(_Work(client, database, tenant, execution, True, replayed), described)
        if not found.differences:
            return found
        await asyncio.sleep(PAUSE)
    described = await describe(client, tenant, execution)
    return await _rebuilt(_Work(client, database, tenant, execution, check, replayed), described)


def _lively(described: WorkflowExecutionDescription) -> bool:
    return described.close_time is None or datetime.now(UTC) - described.close_time < SETTLED


@dataclass
class _Work:
    """What is done for one execution, and what has come of it."""

    client: Client
    database: Database
    tenant: TenantId
    execution: ExecutionId
    check: bool
    replayed: Callable[[int], None]
    differences: list[Difference] = field(default_factory=list[Difference])
    events: int = 0
    left: list[str] = field(default_factory=list[str])
    own: list[StepEvent] = field(default_factory=list[StepEvent])
    """What the execution's own strand says without a path."""
    killed: dict[int, float] = field(default_factory=dict[int, float])
    """The attempts at the execution that were ended from outside, and when."""
    batches: dict[str, None] = field(default_factory=dict[str, None])
    """The strands that others have begun, in order."""


async def _rebuilt(work: _Work, described: WorkflowExecutionDescription) -> Rebuilt:
    before = partial(attempt_before, work.client)
    async for said in _attempts(work, histories(work.client, described.id, described.run_id, before=before)):
        work.own += [event for event in said.events if not event.path]
        if said.killed_at is not None:
            work.killed[said.events[0].attempt] = said.killed_at
        await _write(work, partial(rebuilding.strand, said=said))
    start = await _start(work, described)
    done = 0
    while len(work.batches) > done:
        name = [*work.batches][done]
        done += 1
        await _rebuild_batch(work, name, attempts=start.attempt)
    if work.own and work.own[-1].attempt == start.attempt:  # the newest attempt may have said nothing yet
        await _rebuild_head(work, described, start)
    if not work.check:
        await settle(work.client, work.database, work.tenant, work.execution, described)
    return Rebuilt(work.differences, work.events, work.left)


async def _attempts(work: _Work, runs: AsyncIterable[WorkflowHistory]) -> AsyncGenerator[Said]:
    """What a strand has said, attempt by attempt; each may have taken several runs."""
    events: list[StepEvent] = []
    ended, killed_at = False, None
    async for history in runs:
        said = await replayed(work.client, history)
        work.events += len(said)
        work.replayed(len(said))
        work.batches.update(dict.fromkeys(_begun_in(said)))
        if events and said and said[0].attempt != events[0].attempt:
            yield Said(events, ended, killed_at)
            events = []
        events += said
        ended, killed_at = has_ended(history), _killed_at(history, events)
    if events:
        yield Said(events, ended, killed_at)


def _killed_at(history: WorkflowHistory, events: Sequence[StepEvent]) -> float | None:
    """When a strand was ended that has not said so itself."""
    last = history.events[-1]
    is_batch = any(event.strand for event in events[:1])
    is_over = last.event_type in KILLED or (is_batch and last.event_type in FAILED)
    if not is_over or any(event.type in ENDINGS or event.type == "strand.ended" for event in events[-1:]):
        return None
    return last.event_time.ToNanoseconds() / 1e9


def _begun_in(said: Sequence[StepEvent]) -> Sequence[str]:
    return [
        batch_strand(event.path, cast(Mapping[str, Any], event.data)["batch"])
        for event in said
        if event.type == "batch.started"
    ]


async def _start(work: _Work, described: WorkflowExecutionDescription) -> Start:
    handle = work.client.get_workflow_handle(described.id, run_id=described.run_id)
    return (await begun(work.client, handle)).start


async def _rebuild_batch(work: _Work, name: str, *, attempts: int) -> None:
    id = StrandId(work.tenant, work.execution, name)
    runs = await _ends(work, id, attempts=attempts)
    if not runs:
        work.left.append(name)
    for run in runs:
        async for own in _attempts(work, histories(work.client, str(id), run)):
            # What ran in a batch is settled with the execution, whether the batch has been ended already or not.
            said = replace(own, killed_at=own.killed_at or work.killed.get(own.events[0].attempt))
            await _write(work, partial(rebuilding.strand, said=said))


async def _ends(work: _Work, id: StrandId, *, attempts: int) -> list[str]:
    """The last run that a batch had in each attempt at the execution. Temporal's list, which knows those of earlier
    ones, lags behind."""
    if attempts == 1:
        try:
            return [(await describe_strand(work.client, id)).run_id]
        except Forgotten:
            return []
    continued = WorkflowExecutionStatus.CONTINUED_AS_NEW
    listed = work.client.list_workflows(f'WorkflowId = "{id}"')
    return [run.run_id async for run in listed if run.status is not continued]


async def _rebuild_head(work: _Work, described: WorkflowExecutionDescription, start: Start) -> None:
    newest = [event for event in work.own if event.attempt == start.attempt]
    end: Note | None = None
    if described.close_time is not None and not any(event.type in ENDINGS for event in newest):
        type, data = await end_of(work.client, described)
        end = Note(work.execution, type, "", described.close_time.timestamp(), data)
    async with session(work.database, work.tenant) as opened:
        is_noted = end is None or await head_rebuilding.noted(opened, work.execution, attempt=start.attempt)
    if not (is_noted or work.check):
        await report_killed(work.client, described)
    rerun_of = start.again.execution if start.again is not None and start.again.kind == RERUN else None
    known = Known(work.own, end, await origin_of(described), rerun_of)
    await _write(work, partial(head_rebuilding.head, execution=work.execution, known=known))
    if end is not None and not (is_noted or work.check):
        async with session(work.database, work.tenant) as opened:
            await journal.write(opened, [end])


async def _write(work: _Work, write: Callable[[Session], Awaitable[list[Difference]]]) -> None:
    """In a transaction that leaves no trace if nothing differs, or nothing is to be written."""
    async with session(work.database, work.tenant) as opened:
        found = await write(opened)
        if work.check or not found:
            await opened.sql.rollback()
    work.differences += found
