"""Follows an execution and all that it started, directly or not, in one stream."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from api.live import marks, messages
from api.live.following import RETRY, Reader
from api.live.messages import Message
from api.live.tails import Tails
from store.database import Database, StoreUnavailable
from store.families import Child, children
from store.ids import ExecutionId, TenantId
from store.session import session
from store.snapshots import Snapshot, snapshot

MOST = 1_000
"""Executions in one stream."""
AT_ONCE = 100
"""Of these followed at once; the others are told when some have ended."""
LOOK = 0.25
"""Seconds between two looks for executions that have been started."""
_LATE = timedelta(minutes=1)
"""By how much the start of one may lie before that of another that was found earlier."""


@dataclass
class _Family:
    database: Database
    tails: Tails
    tenant: TenantId
    seen: Mapping[str, int]
    replay: bool
    """Whether those that have been there before are told from their first event; otherwise by a snapshot."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    known: dict[ExecutionId, datetime | None] = field(default_factory=dict[ExecutionId, datetime | None])
    waiting: deque[ExecutionId] = field(default_factory=deque[ExecutionId])
    readers: dict[ExecutionId, tuple[Reader, ExitStack]] = field(
        default_factory=dict[ExecutionId, tuple[Reader, ExitStack]]
    )
    looked: float | None = None

    def follow(self, execution: ExecutionId, seq: int) -> None:
        """Begin with one."""
        held = ExitStack()
        tail = held.enter_context(self.tails.follow(self.tenant, execution, self.news))
        self.readers[execution] = Reader(self.tails, self.tenant, tail, seq), held

    def leave(self, execution: ExecutionId) -> None:
        """Be done with one."""
        self.readers.pop(execution)[1].close()

    async def look(self, *, last: bool = False) -> bool:
        """Find those that have been started, if it is time; False: there are more than one stream tells of."""
        loop = asyncio.get_running_loop()
        if not last and self.looked is not None and loop.time() - self.looked < LOOK:
            loop.call_later(LOOK, self.news.set)
            return True
        times = [at for at in self.known.values() if at is not None]
        since = max(times) - _LATE if times else None
        found = [child for child in await self._children(since) if child.id not in self.known]
        self.looked = loop.time()
        for child in found[: MOST - len(self.known)]:
            self.known[child.id] = child.started_at
            self.waiting.append(child.id)
        return len(self.known) < MOST or not found

    async def _children(self, since: datetime | None) -> list[Child]:
        while True:
            try:
                async with session(self.database, self.tenant) as s:
                    return [*await children(s, self.known, since=since, limit=MOST + 1)]
            except StoreUnavailable:
                await asyncio.sleep(RETRY)

    async def snapshot(self, execution: ExecutionId) -> Snapshot:
        """How one stands."""
        while True:
            try:
                async with session(self.database, self.tenant) as s:
                    return await snapshot(s, execution)
            except StoreUnavailable:
                await asyncio.sleep(RETRY)


async def following_family(
    database: Database,
    tails: Tails,
    tenant: TenantId,
    execution: ExecutionId,
    *,
    first: Message | None,
    seq: int,
    seen: Mapping[str, int],
    replay: bool,
) -> AsyncGenerator[Message]:
    """Tell of an execution what comes after a number, and of those that it starts all; what was `seen` of these before
    is left out. It is over once all have ended that are known."""
    family = _Family(database, tails, tenant, seen, replay)
    family.known[execution] = None
    try:
        if first is not None:
            yield first
        family.follow(execution, seq)
        within = True
        while family.readers or family.waiting:
            await family.news.wait()
            family.news.clear()
            from_the_first = family.replay or family.looked is not None
            if not await family.look() and within:
                within = False
                yield messages.truncated(MOST)
            while family.waiting and len(family.readers) < AT_ONCE:
                child = family.waiting.popleft()
                position = marks.position(family.seen, child)
                if not from_the_first and not position:
                    stands = await family.snapshot(child)
                    position = stands.execution.seq
                    yield messages.snapshot(stands)
                family.follow(child, position)
            for each, (reader, _) in [*family.readers.items()]:
                async for message in reader.news():
                    yield message
                if reader.ended:
                    family.leave(each)
            if not family.readers:
                await family.look(last=True)
                family.news.set()
    finally:
        for each in [*family.readers]:
            family.leave(each)
