"""Sends an event to one execution."""

from api.events.sending import send
from api.events.shapes import EventIn
from api.executions.cancelling import ExecutionClosed
from api.means import Means
from runtime.events import Published
from store import executions
from store.ids import ExecutionId, TenantId
from store.journal import Note, write
from store.session import session

SIGNALLED = "execution.signalled"


async def signal(
    means: Means, tenant: TenantId, id: ExecutionId, asked: EventIn, *, by: str, reason: str | None, key: str | None
) -> Published:
    """Send it, and note who did. Raises ExecutionUnknown, ExecutionClosed, EventConflict."""
    async with session(means.database, tenant) as s:
        await executions.attempt(s, id)
        closed = await executions.closed(s, id)
    if closed:
        raise ExecutionClosed("The execution has ended: nobody waits in it any more.")
    published = await send(means, tenant, asked, key=key, execution=id)
    event = published.event
    # At the time of the event: repeated, it is the same note.
    note = Note(
        id, SIGNALLED, "", event.at.timestamp(), {"event": event.id, "name": event.name, "by": by, "reason": reason}
    )
    async with session(means.database, tenant) as s:
        await write(s, [note])
    return published
