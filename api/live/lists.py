"""The executions of a list as they change: read once a change for all who follow the same list."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from api.live import messages
from api.live.messages import Message
from store import execution_search
from store.database import Database, StoreUnavailable
from store.execution_search import Filters, Listed
from store.ids import TenantId
from store.listening import Feed, Listener
from store.session import session

FIRST = 50
"""Executions that a stream begins with."""
ROWS = 200
"""In one message, and in one query."""
MOST_PENDING = 2_000
"""Changes that a slow reader may be behind."""
EVERY = 0.25
"""Seconds from one look to the next: of what changes more quickly, only the newest state is told."""
RETRY = 1.0

logger = logging.getLogger("perdure.live")


class ListBroken(Exception):
    """A bug of ours: the log tells which."""


@dataclass(eq=False)
class Follower:
    """One stream, and what it has not been told yet."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    pending: dict[str, Listed | None] = field(default_factory=dict[str, Listed | None])
    """None: it is not in the list now."""
    missed: bool = False
    broken: bool = False

    def take(self, changed: dict[str, Listed | None]) -> None:
        """Hear of changes."""
        self.pending.update(changed)
        if len(self.pending) > MOST_PENDING:
            self.miss()
        self.news.set()

    def miss(self) -> None:
        """Changes are left out."""
        self.pending.clear()
        self.missed = True
        self.news.set()

    def next(self) -> Message | None:
        """What is to be told now."""
        ids = [*self.pending][:ROWS]
        if not ids:
            return None
        rows = {id: self.pending.pop(id) for id in ids}
        items = [row for row in rows.values() if row is not None]
        return messages.changed_executions(items, [id for id, row in rows.items() if row is None])


_Key = tuple[TenantId, Filters]


class Lists:
    """Those that somebody follows in one process."""

    def __init__(self, database: Database, listener: Listener, reads: asyncio.Semaphore):
        self._database = database
        self._listener = listener
        self._reads = reads
        self._held: dict[_Key, tuple[set[Follower], asyncio.Task[None]]] = {}

    async def first(self, tenant: TenantId, filters: Filters) -> Sequence[Listed]:
        """The newest executions of a list. Raises StoreUnavailable."""
        async with self._reads, session(self._database, tenant) as s:
            return await execution_search.page(s, filters, after=None, limit=FIRST)

    @contextmanager
    def follow(self, tenant: TenantId, filters: Filters) -> Generator[Follower]:
        """Follow a list from now on."""
        key = (tenant, filters)
        if key not in self._held:
            made: set[Follower] = set()
            self._held[key] = made, asyncio.create_task(self._keep(tenant, filters, made), name="perdure list")
        followers, task = self._held[key]
        follower = Follower()
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not followers:
                task.cancel()
                del self._held[key]

    async def _keep(self, tenant: TenantId, filters: Filters, followers: set[Follower]) -> None:
        try:
            with self._listener.feed(tenant) as feed:
                while True:
                    await self._tell(tenant, filters, feed, followers)
                    await asyncio.sleep(EVERY)
        except Exception:
            logger.exception("A list of executions cannot be followed")
            for follower in followers:
                follower.broken = True
                follower.news.set()

    async def _tell(self, tenant: TenantId, filters: Filters, feed: Feed, followers: Iterable[Follower]) -> None:
        ids = await feed.changed()
        if ids is None:
            for follower in followers:
                follower.miss()
            return
        for begin in range(0, len(ids), ROWS):
            some = ids[begin : begin + ROWS]
            rows = {row.id: row for row in await self._rows(tenant, replace(filters, ids=some))}
            changed = {id: rows.get(id) for id in some}
            for follower in followers:
                follower.take(changed)

    async def _rows(self, tenant: TenantId, filters: Filters) -> Sequence[Listed]:
        while True:
            try:
                async with self._reads, session(self._database, tenant) as s:
                    return await execution_search.page(s, filters, after=None, limit=ROWS)
            except StoreUnavailable:
                await asyncio.sleep(RETRY)


async def listed(lists: Lists, tenant: TenantId, filters: Filters) -> AsyncGenerator[Message]:
    """Tell of a list, without an end."""
    # Frozen all the way down, so that those who ask alike are told together.
    asked = replace(filters, status=tuple(filters.status), label=tuple(filters.label), field=tuple(filters.field))
    with lists.follow(tenant, asked) as follower:
        follower.missed = True
        again = False
        while not follower.broken:
            if follower.missed:
                follower.missed = False
                first = await _first(lists, tenant, asked)
                if again:
                    yield messages.reload()
                again = True
                yield messages.first_executions(first)
            while message := follower.next():
                yield message
            await follower.news.wait()
            follower.news.clear()
        raise ListBroken


async def _first(lists: Lists, tenant: TenantId, filters: Filters) -> Sequence[Listed]:
    while True:
        try:
            return await lists.first(tenant, filters)
        except StoreUnavailable:
            await asyncio.sleep(RETRY)
