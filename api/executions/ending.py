"""Waits for the end of an execution, by the journal's notifications."""

import asyncio

from api.executions.temporal_word import as_temporal_says
from api.means import Means
from store import executions
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session


async def awaited(means: Means, tenant: TenantId, id: ExecutionId, *, seconds: float) -> Execution:
    """The execution once it has ended, or as it is when the time is up: then Temporal is asked too, once, in case the
    journal is behind."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    with means.listener.watch(id) as watch:
        while True:
            async with session(means.database, tenant) as s:
                ended = await executions.closed(s, id)
                found = await executions.find(s, id) if ended else None
            if found is not None:
                return found
            if not await watch.written(until - loop.time()):
                break
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
    return found if found.closed_at is not None else await as_temporal_says(means, tenant, found)
