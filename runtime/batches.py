"""The batches of large loops in Temporal: each is a workflow beside that of the strand which its loop runs in."""

from dataclasses import replace
from typing import Any

import orjson
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.converter import decode_typed_search_attributes
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from dag.again import Again
from dag.batches import BATCH_ENDED, END, Batch, BatchEnd, BatchOf, Beginning, EndBatch, Report
from dag.strands import StrandId, batch_strand, strand_id
from interpreter.rounds import first_of
from interpreter.start import Start, written
from runtime.converter import raw
from runtime.executions import TASK_TIMEOUT, begun
from runtime.gone import KILLED, unless_gone

_BATCH = "batch"
_LONGEST_SUMMARY = 100
UNSAID = KILLED | {WorkflowExecutionStatus.CANCELED, WorkflowExecutionStatus.FAILED}
"""The ends of which a batch itself says nothing: it always completes."""


def batch_id(strand: str, batch: Batch) -> str:
    """The workflow id of a batch of a loop in a strand, of which this is the workflow id."""
    whose = strand_id(strand)
    return str(StrandId(whose.tenant, whose.execution, batch_strand(batch.path, batch.number)))


async def begin(client: Client, parent: WorkflowHandle[Any, Any], asked: Beginning, *, queue: str) -> None:
    """Start a batch of a loop that runs in a strand; once, however often this is called. Raises RPCError."""
    found = await begun(client, parent)
    start, attributes = found.start, found.attributes
    of = BatchOf(asked.batch, parent.id, start.attempt)
    again = None if start.again is None else await _gone_on_from(client, start, start.again, of)
    if again is None and start.again is not None:
        return
    tuning = replace(start.tuning, in_flight=asked.in_flight)
    mine = replace(start, parent=None, tuning=tuning, strand=of, again=again)
    values = raw(orjson.dumps(asked.values))
    try:
        await client.start_workflow(
            found.type,
            args=[written(mine), found.plan, asked.carried, values],
            id=batch_id(parent.id, asked.batch),
            # A later attempt at the execution has its own.
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
            if start.attempt == 1
            else WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            task_queue=queue,
            task_timeout=TASK_TIMEOUT,
            memo={_BATCH: of},
            search_attributes=decode_typed_search_attributes(attributes.search_attributes),
            static_summary=f"{asked.path}: batch {asked.batch.number}"[:_LONGEST_SUMMARY],
            priority=Priority(
                priority_key=attributes.priority.priority_key or None,
                fairness_key=attributes.priority.fairness_key or None,
            ),
        )
    except WorkflowAlreadyStartedError:
        return


async def _gone_on_from(client: Client, start: Start, again: Again, of: BatchOf) -> Again | None:
    """What a batch goes on from: the run that it had before, if there is one. None: it has begun already."""
    source = replace(strand_id(of.parent), execution=again.execution)
    try:
        described = await client.get_workflow_handle(batch_id(str(source), of.batch)).describe()
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        return replace(again, run="")
    before: BatchOf | None = await described.memo_value(_BATCH, None, type_hint=BatchOf)
    if again.kind != "rerun" and before is not None and before.attempt == start.attempt:
        return None
    runs_anew = first_of(of.batch.path) in again.anew
    return replace(again, run="" if runs_anew else described.run_id)


async def end(client: Client, strand: str, asked: EndBatch) -> None:
    """Have a batch end; one that has needs no word. Raises RPCError."""
    with unless_gone():
        await client.get_workflow_handle(batch_id(strand, asked.batch)).signal(END, asked)


async def report(client: Client, told: Report) -> None:
    """Tell the strand that waits how a batch has ended. Raises RPCError."""
    with unless_gone():
        await client.get_workflow_handle(told.parent).signal(BATCH_ENDED, told.end)


async def end_of(client: Client, strand: str, batch: Batch) -> BatchEnd | None:
    """That a batch has ended without a word. None: it has not. Raises RPCError."""
    try:
        described = await client.get_workflow_handle(batch_id(strand, batch)).describe()
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        return _killed(batch)
    return _killed(batch) if described.status in UNSAID else None


async def report_killed(client: Client, described: WorkflowExecutionDescription) -> None:
    """Tell whoever waits for a batch that it was ended from outside. Raises RPCError."""
    of: BatchOf | None = await described.memo_value(_BATCH, None, type_hint=BatchOf)
    if of is not None and described.status in UNSAID:
        end = replace(_killed(of.batch), attempt=of.attempt)
        await report(client, Report(of.batch.path, of.parent, end))


async def terminate(client: Client, strand: StrandId) -> None:
    """End a batch at once which nobody waits for any more, if it has not ended. Raises RPCError."""
    with unless_gone():
        await client.get_workflow_handle(str(strand)).terminate(reason="What it was begun by has ended.")


def _killed(batch: Batch) -> BatchEnd:
    return BatchEnd(batch, "terminated")
