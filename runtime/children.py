"""Executions that others have started: how they stand, and telling whoever waits for them."""

from typing import Any

import orjson
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from dag.errors import ErrorValue
from dag.strands import StrandId, strand_id
from dag.sub_workflows import ENDED, Child, ChildEnd, Parent
from runtime.executions import parent_of
from runtime.gone import KILLED, unless_gone
from store import executions
from store.database import Database
from store.executions import ExecutionUnknown
from store.ids import ExecutionId, TenantId
from store.session import session

_TERMINATED = ErrorValue(code="terminated", message="The execution was ended at once, by an operator.")
_FORGOTTEN = ErrorValue(code="terminated", message="Nobody knows any more what became of the execution.")


async def report(client: Client, parent: Parent, end: ChildEnd) -> None:
    """Tell whoever waits; who has ended meanwhile needs no word. Raises RPCError."""
    with unless_gone():
        await client.get_workflow_handle(parent.workflow_id).signal(ENDED, end)


async def report_killed(client: Client, described: WorkflowExecutionDescription) -> None:
    """Tell whoever waits for an execution that it was ended from outside. Raises RPCError."""
    parent = await parent_of(described)
    if parent is not None and described.status in KILLED:
        execution = strand_id(described.id).execution
        await report(client, parent, _killed(Child(parent.path, execution)))


async def terminate(client: Client, tenant: TenantId, execution: ExecutionId, *, reason: str) -> None:
    """End an execution at once: nothing is compensated, no `finally` runs. Whoever waits for it is told. Raises
    RPCError, NOT_FOUND when it has ended already."""
    handle = client.get_workflow_handle(str(StrandId(tenant, execution)))
    await handle.terminate(reason=reason)
    await report_killed(client, await handle.describe())


async def end_of(client: Client, database: Database, tenant: TenantId, child: Child) -> ChildEnd | None:
    """How a child has ended; None: it has not. Raises RPCError, StoreUnavailable."""
    handle = client.get_workflow_handle(str(StrandId(tenant, child.execution)), result_type=RawValue)
    try:
        described = await handle.describe()
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        return await _remembered(database, tenant, child)
    match described.status:
        case WorkflowExecutionStatus.RUNNING | WorkflowExecutionStatus.CONTINUED_AS_NEW | None:
            return None
        case WorkflowExecutionStatus.COMPLETED:
            written: RawValue = await handle.result()
            return ChildEnd(child.path, child.execution, "succeeded", orjson.loads(written.payload.data))
        case WorkflowExecutionStatus.CANCELED:
            return ChildEnd(child.path, child.execution, "cancelled")
        case WorkflowExecutionStatus.FAILED:
            return await _failed(handle, child)
        case _:
            return _killed(child)


async def _failed(handle: WorkflowHandle[Any, Any], child: Child) -> ChildEnd:
    error = _FORGOTTEN
    try:
        await handle.result()
    except WorkflowFailureError as failure:
        cause = failure.cause
        if isinstance(cause, ApplicationError) and cause.details:
            error = ErrorValue.model_validate(cause.details[0])
        else:
            error = ErrorValue(code="internal", message="The execution failed without a word of why.")
    status = "timed_out" if error.code == "timeout.execution" else "failed"
    return ChildEnd(child.path, child.execution, status, error=error)


async def _remembered(database: Database, tenant: TenantId, child: Child) -> ChildEnd:
    """What our own tables say of one that Temporal has forgotten. An output that is too large for them is gone."""
    try:
        async with session(database, tenant) as s:
            found = await executions.find(s, ExecutionId(child.execution))
    except ExecutionUnknown:
        return ChildEnd(child.path, child.execution, "terminated", error=_FORGOTTEN)
    match found.status:
        case "failed" | "cancelled" | "timed_out":
            error = None if found.error is None else ErrorValue.model_validate_json(orjson.dumps(found.error))
            return ChildEnd(child.path, child.execution, found.status, error=error)
        case "succeeded" if found.output_bytes is None:
            output = None if found.output is None else orjson.loads(orjson.dumps(found.output))
            return ChildEnd(child.path, child.execution, "succeeded", output)
        case _:
            return ChildEnd(child.path, child.execution, "terminated", error=_FORGOTTEN)


def _killed(child: Child) -> ChildEnd:
    return ChildEnd(child.path, child.execution, "terminated", error=_TERMINATED)
