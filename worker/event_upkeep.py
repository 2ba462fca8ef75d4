"""Looks after a tenant's events: brings those to their places whose sender went away, and removes what is of no use."""

from temporalio.client import Client

from runtime.events import route
from store import emitted_events, event_takings, event_waits
from store.database import Database
from store.ids import TenantId
from store.session import session

REMOVED = 1_000
"""Events that one pass removes."""
ROUTED = 1_000
"""Events that one pass brings to those who wait."""
PATIENCE = 300.0
"""Seconds that one of them may take: thousands may wait for it."""


async def look_after_events(client: Client, database: Database, tenant: TenantId) -> None:
    """Do a tenant's part of a pass. Raises StoreUnavailable."""
    async with session(database, tenant) as opened:
        await event_waits.remove_closed(opened)
        await event_takings.remove_closed(opened)
        await emitted_events.forget(opened, limit=REMOVED)
        left = await emitted_events.unrouted(opened, limit=ROUTED)
    for id in left:
        async with session(database, tenant) as opened:
            event = await emitted_events.find(opened, id)
        if event is not None:
            await route(client, database, tenant, event, within=PATIENCE)
