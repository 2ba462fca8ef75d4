"""Opens the stream of an execution."""

from collections.abc import AsyncGenerator

from api.live import messages
from api.live.asking import Asked
from api.live.family import following_family
from api.live.following import following
from api.live.messages import Message
from api.means import Means
from store.ids import TenantId
from store.session import session
from store.snapshots import snapshot
from store.tails import standing


async def opened(means: Means, tenant: TenantId, asked: Asked) -> AsyncGenerator[Message]:
    """Begin a stream: with a snapshot, or after a number. Raises ExecutionUnknown, StoreUnavailable."""
    id, first, seq = asked.execution, None, asked.since
    async with session(means.database, tenant) as s:
        if seq is None:
            found = await snapshot(s, id)
            first, seq = messages.snapshot(found), found.execution.seq
        elif seq > (last := (await standing(s, id)).seq):
            first, seq = messages.resync(id, last), last
    tails = means.live.tails
    if not asked.nested:
        return following(tails, tenant, id, first=first, seq=seq)
    replay = asked.since is not None
    return following_family(means.database, tails, tenant, id, first=first, seq=seq, seen=asked.seen, replay=replay)
