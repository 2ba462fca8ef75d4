"""Cancels executions. What ends is told by the journal."""

from api.means import Means
from api.temporal_patience import soon
from dag.errors import PerdureError
from dag.strands import StrandId
from runtime.gone import unless_gone
from store import executions
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session


class ExecutionClosed(PerdureError):
    """The execution has ended already, and not by a cancel."""

    code = "execution.closed"


async def cancel(means: Means, tenant: TenantId, id: ExecutionId) -> Execution:
    """Ask an execution to end. Again changes nothing, also when it has been cancelled. Raises ExecutionClosed."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
    if found.closed_at is None:
        await _ask(means, tenant, id)
    elif found.status != "cancelled":
        raise ExecutionClosed(f"The execution has ended already: it is {found.status.replace('_', ' ')}.")
    return found


async def _ask(means: Means, tenant: TenantId, id: ExecutionId) -> None:
    client = await means.temporal.client()
    with unless_gone():  # when it has just ended, the journal says so in a moment
        await soon(client.get_workflow_handle(str(StrandId(tenant, id))).cancel())
