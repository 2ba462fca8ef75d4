"""Answers about executions, with the status that says how far they are."""

from collections.abc import Mapping

from fastapi import Response

from api.events.sending import sent
from api.executions import rerunning
from api.executions.cancelling import cancel, terminate
from api.executions.control_shapes import SignalIn
from api.executions.ending import awaited
from api.executions.shapes import RerunIn, StartIn
from api.executions.signalling import signal
from api.executions.starting import Begun, begin, name_of
from api.executions.temporal_word import with_output
from api.json_answers import answer
from api.means import Means
from store import executions
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session
from store.tenants import Holder

PATH = "/api/v1/workflows/executions"


async def started(
    means: Means, caller: Holder, workflow: str, asked: StartIn, *, key: str | None, wait: int | None
) -> Response:
    """Start an execution: 201, or 200 when it had been started before; with `wait` as `ended` answers."""
    return await _begun(means, caller.tenant, await begin(means, caller, workflow, asked, key=key), wait=wait)


async def _begun(means: Means, tenant: TenantId, begun: Begun, *, wait: int | None) -> Response:
    headers = {"Location": f"{PATH}/{begun.execution.id}"}
    if begun.replayed:
        headers["Idempotency-Replayed"] = "true"
    if wait is not None:
        return await _ended(means, tenant, begun.execution, seconds=wait, headers=headers)
    found = await with_output(means, tenant, begun.execution)
    return answer(found, 200 if begun.replayed else 201, headers)


async def rerun(
    means: Means, caller: Holder, id: ExecutionId, asked: RerunIn, *, key: str | None, wait: int | None
) -> Response:
    """Start a rerun, answered as any start is."""
    by = await name_of(means, caller)
    begun = await rerunning.rerun(means, caller.tenant, id, asked, by=by, reason=asked.reason, key=key)
    return await _begun(means, caller.tenant, begun, wait=wait)


async def signalled(means: Means, caller: Holder, id: ExecutionId, asked: SignalIn, *, key: str | None) -> Response:
    """Send an event to an execution."""
    by = await name_of(means, caller)
    return sent(await signal(means, caller.tenant, id, asked, by=by, reason=asked.reason, key=key))


async def gone_on(means: Means, tenant: TenantId, execution: Execution, *, wait: int | None) -> Response:
    """Of an execution that goes on: 202, or 200 when it has ended again."""
    return await _ended(means, tenant, execution, seconds=wait or 0, headers={})


async def cancelled(means: Means, caller: Holder, id: ExecutionId, *, reason: str | None, wait: int | None) -> Response:
    """Cancel an execution: 200 when it has ended, else 202."""
    by = await name_of(means, caller)
    found = await cancel(means, caller.tenant, id, by=by, reason=reason)
    return await _ended(means, caller.tenant, found, seconds=wait or 0, headers={})


async def terminated(means: Means, caller: Holder, id: ExecutionId, *, reason: str | None) -> Response:
    """End an execution at once."""
    by = await name_of(means, caller)
    return answer(await terminate(means, caller.tenant, id, by=by, reason=reason))


async def detail(means: Means, tenant: TenantId, id: ExecutionId) -> Response:
    """Read an execution."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
    return answer(await with_output(means, tenant, found))


async def _ended(
    means: Means, tenant: TenantId, execution: Execution, *, seconds: int, headers: Mapping[str, str]
) -> Response:
    if execution.closed_at is None and seconds:
        execution = await awaited(means, tenant, execution.id, seconds=seconds)
    status = 202 if execution.closed_at is None else 200
    return answer(await with_output(means, tenant, execution), status, headers)
