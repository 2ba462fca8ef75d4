"""Ends executions: by a cancel, which lets them undo what they have done, or at once."""

import asyncio
import time
import uuid

from temporalio.client import Client

from api.means import Means
from api.temporal_patience import soon
from dag.errors import ErrorValue, PerdureError
from dag.steering import STEER, Cancelling, Command
from dag.strands import StrandId
from runtime import batches, children
from runtime.executions import parent_of
from runtime.gone import unless_gone
from store import execution_search, executions, strands
from store.execution_search import Filters
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.journal import Note, write
from store.session import session

TERMINATED = "An operator ended the execution at once."
MOST_CHILDREN = 500
"""Of a terminated execution, that are cancelled."""
_AT_ONCE = 20
_LEVELS = 4
"""Large loops within large loops whose batches are looked for."""


class ExecutionClosed(PerdureError):
    """The execution has ended already, and not as it was asked to."""

    code = "execution.closed"


async def cancel(
    means: Means, tenant: TenantId, id: ExecutionId, *, by: str | None = None, reason: str | None = None
) -> Execution:
    """Ask an execution to end. Again changes nothing, also when it has been cancelled. Raises ExecutionClosed."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
    if found.closed_at is None:
        handle = (await means.temporal.client()).get_workflow_handle(str(StrandId(tenant, id)))
        if by is not None:
            with unless_gone():
                await soon(handle.signal(STEER, Command(uuid.uuid4().hex, by, Cancelling(), reason)))
        with unless_gone():
            await soon(handle.cancel())
    elif found.status != "cancelled":
        raise closed(found)
    return found


async def terminate(means: Means, tenant: TenantId, id: ExecutionId, *, by: str, reason: str | None) -> Execution:
    """End an execution at once: no `finally` runs, nothing is undone. Its batches end with it, whoever waits for it is
    told, and what it waits for is cancelled. Again changes nothing. Raises ExecutionClosed."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
    if found.closed_at is not None:
        if found.status != "cancelled":
            raise closed(found)
        return found
    client = await means.temporal.client()
    with unless_gone():  # when it has just ended, the journal says so in a moment
        await soon(children.terminate(client, tenant, id, reason=TERMINATED))
    error = ErrorValue(code="terminated", message=TERMINATED).model_dump(mode="json", exclude_none=True)
    told = Note(id, "execution.cancelled", "", time.time(), {"error": error, "by": by, "reason": reason})
    async with session(means.database, tenant) as s:
        await write(s, [told])
        found = await executions.find(s, id)
    await _terminate_batches(means, client, tenant, id)
    await _cancel_children(means, client, tenant, id, by=by, reason=reason)
    return found


def closed(found: Execution) -> ExecutionClosed:
    """Why nothing can be done in an execution that has ended."""
    how = found.status.replace("_", " ")
    return ExecutionClosed(f"The execution has ended already: it is {how}.", details={"status": found.status})


async def _terminate_batches(means: Means, client: Client, tenant: TenantId, id: ExecutionId) -> None:
    seen: set[str] = set()
    for _ in range(_LEVELS):
        async with session(means.database, tenant) as s:
            names = [name for name in await strands.begun_in(s, id, None) if name not in seen]
        if not names:
            return
        for name in names:
            await soon(batches.terminate(client, StrandId(tenant, id, name)))
        seen.update(names)


async def _cancel_children(
    means: Means, client: Client, tenant: TenantId, id: ExecutionId, *, by: str, reason: str | None
) -> None:
    """Those that it waited for: the others have a life of their own."""
    async with session(means.database, tenant) as s:
        filters = Filters(parent=id, status=("queued", "running", "waiting", "paused"))
        found = await execution_search.page(s, filters, after=None, limit=MOST_CHILDREN)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def end(child: ExecutionId) -> None:
        async with slots:
            described = await soon(client.get_workflow_handle(str(StrandId(tenant, child))).describe())
            if await parent_of(described) is not None:
                await cancel(means, tenant, child, by=by, reason=reason)

    await asyncio.gather(*(end(ExecutionId(each.id)) for each in found), return_exceptions=True)
