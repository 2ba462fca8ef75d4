"""Sends an event to one execution."""

from fastapi import Response

from api.events.sending import sent
from api.events.shapes import EventIn
from api.executions.cancelling import ExecutionClosed
from api.means import Means
from store import executions
from store.ids import ExecutionId, TenantId
from store.session import session


async def signalled(means: Means, tenant: TenantId, id: ExecutionId, asked: EventIn, *, key: str | None) -> Response:
    """Send it. Raises ExecutionUnknown, ExecutionClosed."""
    async with session(means.database, tenant) as s:
        await executions.attempt(s, id)
        closed = await executions.closed(s, id)
    if closed:
        raise ExecutionClosed("The execution has ended: nobody waits in it any more.")
    return await sent(means, tenant, asked, key=key, execution=id)
