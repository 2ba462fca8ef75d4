"""Asks Temporal what the journal does not know: an output that is too large for it, an end that it has not heard of."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from api.means import Means
from dag.errors import ErrorValue, PerdureError
from dag.strands import StrandId
from runtime.storage import PayloadGone
from store.executions import Execution
from store.ids import TenantId

_PATIENCE = 5.0
_ENDINGS = {
    WorkflowExecutionStatus.COMPLETED: "succeeded",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
}
"""Others end executions in ways of which only the journal's healing makes something."""


async def with_output(means: Means, tenant: TenantId, execution: Execution) -> Execution:
    """Put an output into its place that the journal knows the size of only, as long as Temporal keeps it."""
    if execution.output_bytes is None or execution.status != "succeeded":
        return execution
    try:
        async with asyncio.timeout(_PATIENCE):
            client = await means.temporal.client()
            return await _succeeded(execution, _handle(client, tenant, execution))
    except _SILENCE:
        return execution


async def as_temporal_says(means: Means, tenant: TenantId, execution: Execution) -> Execution:
    """An open execution, as it ended if Temporal says that it did."""
    try:
        async with asyncio.timeout(_PATIENCE):
            client = await means.temporal.client()
            handle = _handle(client, tenant, execution)
            described = await handle.describe()
            status = _ENDINGS.get(described.status) if described.status is not None else None
            if status is None:
                return execution
            ended = replace(execution, status=status, closed_at=described.close_time)
            return await _succeeded(ended, handle) if status == "succeeded" else await _failed(ended, handle)
    except _SILENCE:
        return execution


_SILENCE = (RPCError, PerdureError, PayloadGone, WorkflowFailureError, TimeoutError)
"""What keeps Temporal from telling; the journal's word is the answer then."""


def _handle(client: Client, tenant: TenantId, execution: Execution) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(str(StrandId(tenant, execution.id)), result_type=RawValue)


async def _succeeded(execution: Execution, handle: WorkflowHandle[Any, Any]) -> Execution:
    written: RawValue = await handle.result()
    return replace(execution, output=orjson.Fragment(written.payload.data), output_bytes=None)


async def _failed(execution: Execution, handle: WorkflowHandle[Any, Any]) -> Execution:
    try:
        await handle.result()
    except WorkflowFailureError as failure:
        if isinstance(failure.cause, ApplicationError) and failure.cause.details:
            error = ErrorValue.model_validate(failure.cause.details[0])
            status = "timed_out" if error.code == "timeout.execution" else execution.status
            shown = orjson.Fragment(error.model_dump_json())
            return replace(execution, status=status, error=shown, error_code=error.code)
    return execution
