"""Makes an execution's journal whole: replays what Temporal has in its history, and writes what that says."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import JsonValue
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowHistoryEventFilterType,
)
from temporalio.service import RPCError, RPCStatusCode

from dag.errors import ErrorValue
from dag.events import StepEvent
from dag.journal import strand
from dag.strands import StrandId
from interpreter.failures import dumped
from interpreter.journal import shown
from runtime import batches
from runtime.children import report_killed
from runtime.executions import begun, origin_of
from store import checking, executions, heads, journal, node_runs, strands
from store.database import Database, StoreUnavailable
from store.ids import ExecutionId, TenantId
from store.journal import Note, Step
from store.session import session
from worker.histories import LONGEST_REPLAY, histories
from worker.replaying import replayer

AT_ONCE = 2_000
"""Events in one transaction."""
DECIDED = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
}
"""The ends that the interpreter itself decides on; of all others it knows nothing."""
CONTINUED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW


class Forgotten(Exception):
    """Temporal has no such execution any more."""


async def heal(client: Client, database: Database, tenant: TenantId, execution: ExecutionId) -> None:
    """Replay all runs of an execution, and of its strands whose journals are not whole. Raises Forgotten."""
    described = await describe(client, tenant, execution)
    try:
        await _replay(client, database, tenant, described)
        await _heal_strands(client, database, tenant, execution, described)
    except (RPCError, StoreUnavailable):
        raise  # it can be mended, only not now: who took it for closed would never look for what is still missing
    except Exception:
        await _close(client, database, tenant, execution, described)  # that it has ended is known all the same
        raise
    await _conclude(client, database, tenant, execution, described)


async def settle(
    client: Client,
    database: Database,
    tenant: TenantId,
    execution: ExecutionId,
    described: WorkflowExecutionDescription,
) -> None:
    """The rest of it, where all that was said has been written: what runs that were killed leave to others."""
    await _heal_strands(client, database, tenant, execution, described)
    await _conclude(client, database, tenant, execution, described)


async def _conclude(
    client: Client,
    database: Database,
    tenant: TenantId,
    execution: ExecutionId,
    described: WorkflowExecutionDescription,
) -> None:
    await _close(client, database, tenant, execution, described)
    origin = await origin_of(described)
    async with session(database, tenant) as opened:
        if origin is not None:
            await executions.trace(opened, execution, origin)
        await checking.healed(opened, execution, seen(described))


async def heal_strand(client: Client, database: Database, strand: StrandId) -> None:
    """Replay all runs of a strand that is a batch of a loop. If it was killed, whoever waits for it is told, what ran
    in it is settled, and the batches of loops in it are ended too. Raises Forgotten."""
    described = await describe_strand(client, strand)
    await batches.report_killed(client, described)
    await _replay(client, database, TenantId(strand.tenant), described)
    if described.status in batches.UNSAID:
        async with session(database, TenantId(strand.tenant)) as opened:
            ended_at = described.close_time or described.start_time
            await heads.lock(opened, {strand.execution: ended_at})
            await node_runs.settle(opened, strand.execution, strand.strand, ended_at.timestamp())
            begun = await strands.begun_in(opened, ExecutionId(strand.execution), strand.strand)
        for name in begun:
            await batches.terminate(client, replace(strand, strand=name))


async def describe(client: Client, tenant: TenantId, execution: ExecutionId) -> WorkflowExecutionDescription:
    """What Temporal knows of an execution's last run. Raises Forgotten."""
    return await describe_strand(client, StrandId(tenant, execution))


async def describe_strand(client: Client, strand: StrandId) -> WorkflowExecutionDescription:
    """The same of any strand. Raises Forgotten."""
    try:
        return await client.get_workflow_handle(str(strand)).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise Forgotten from None
        raise


def seen(described: WorkflowExecutionDescription) -> str:
    """How far Temporal has come: as long as it is the same, there is nothing new to replay."""
    return f"{described.run_id} {described.history_length}"


async def _heal_strands(
    client: Client,
    database: Database,
    tenant: TenantId,
    execution: ExecutionId,
    described: WorkflowExecutionDescription,
) -> None:
    """What a strand says may name others, of loops within its loop."""
    seen: set[str] = set()
    while True:
        async with session(database, tenant) as opened:
            found = [name for name in await strands.not_whole(opened, execution) if name not in seen]
        if not found:
            return
        for name in found:
            strand = StrandId(tenant, execution, name)
            if described.status is not WorkflowExecutionStatus.RUNNING:
                await batches.terminate(client, strand)
            with suppress(Forgotten):
                await heal_strand(client, database, strand)
        seen.update(found)


async def _replay(
    client: Client, database: Database, tenant: TenantId, described: WorkflowExecutionDescription
) -> None:
    async for history in histories(client, described.id, described.run_id, before=partial(attempt_before, client)):
        events = await replayed(client, history)
        await _write(database, tenant, events, ended=has_ended(history))


async def attempt_before(client: Client, run: WorkflowHandle[Any, Any]) -> str:
    """The run that a further attempt goes on from, if this begins one."""
    start = (await begun(client, run)).start
    again = start.again
    return "" if again is None or start.attempt == 1 or start.strand is not None else again.run


async def replayed(client: Client, history: WorkflowHistory) -> list[StepEvent]:
    """What a run said, up to its last completed workflow task; what it would go on to say has not happened yet."""
    said: list[tuple[StepEvent, bool]] = []
    async with asyncio.timeout(LONGEST_REPLAY.total_seconds()):
        await replayer(client, lambda event, replaying: said.append((event, replaying))).replay_workflow(history)
    decided = history.events[-1].event_type in DECIDED
    return [event for event, replaying in said if replaying or decided]


def has_ended(history: WorkflowHistory) -> bool:
    """Whether the strand ends with this run, so that it says nothing more."""
    return history.events[-1].event_type in DECIDED - {CONTINUED}


async def _write(database: Database, tenant: TenantId, events: Sequence[StepEvent], *, ended: bool) -> None:
    for at in range(0, len(events), AT_ONCE):
        part = [Step(event, replayed=True) for event in events[at : at + AT_ONCE]]
        last = part[-1].event
        ends = {strand(last): last.n} if ended and last is events[-1] else {}
        async with session(database, tenant) as opened:
            await journal.write(opened, part, ends=ends)


async def _close(
    client: Client,
    database: Database,
    tenant: TenantId,
    execution: ExecutionId,
    described: WorkflowExecutionDescription,
) -> None:
    """Write how it ended, where only Temporal knows."""
    if described.status is WorkflowExecutionStatus.RUNNING:
        return
    async with session(database, tenant) as opened:
        if not await checking.not_closed(opened, {execution: described.start_time}):
            return
    await report_killed(client, described)
    type, data = await end_of(client, described)
    at = (described.close_time or described.start_time).timestamp()
    async with session(database, tenant) as opened:
        await journal.write(opened, [Note(execution, type, "", at, data)])


async def end_of(client: Client, described: WorkflowExecutionDescription) -> tuple[str, JsonValue]:
    """How it ended, as Temporal alone tells it."""
    handle = client.get_workflow_handle(described.id, run_id=described.run_id)
    match described.status:
        case WorkflowExecutionStatus.COMPLETED:
            return "execution.succeeded", shown("output", await handle.result())
        case WorkflowExecutionStatus.TERMINATED:
            return "execution.cancelled", _error("terminated", "An operator ended the execution at once.")
        case WorkflowExecutionStatus.TIMED_OUT:
            return "execution.timed_out", _error("timeout.execution", "It took longer than Temporal lets it.")
        case WorkflowExecutionStatus.CANCELED:
            return "execution.cancelled", _error("cancelled", "The execution was cancelled.")
        case _:
            only = WorkflowHistoryEventFilterType.CLOSE_EVENT
            last = await anext(aiter(handle.fetch_history_events(event_filter_type=only)))
            failure = last.workflow_execution_failed_event_attributes.failure
            code = failure.application_failure_info.type or "internal"
            return "execution.failed", _error(code, failure.message)


def _error(code: str, message: str) -> JsonValue:
    return {"error": dumped(ErrorValue(code=code, message=message))}
