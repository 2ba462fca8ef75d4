"""Tells waiters in this process that something was written of an execution, over one connection of its own."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from store.database import Database
from store.ids import TenantId
from store.journal import CHANNEL

logger = logging.getLogger(__name__)

PING = 20.0
"""Seconds of silence after which the connection is tried, and every waiter looks for itself."""
LONGEST_PAUSE = 5.0
MOST_CHANGED = 10_000
"""Executions that a feed keeps for who does not ask; of more it only knows that there were some."""


@dataclass(eq=False)
class Watch:
    """One waiter's hold on one execution."""

    _written: asyncio.Event = field(default_factory=asyncio.Event)

    async def written(self, seconds: float) -> bool:
        """Wait until something may have been written since the watch began or was last asked; False when the time is
        up first."""
        try:
            async with asyncio.timeout(seconds):
                await self._written.wait()
        except TimeoutError:
            return False
        self._written.clear()
        return True

    def wake(self) -> None:
        """Let the waiter look again."""
        self._written.set()


@dataclass(eq=False)
class Feed:
    """One waiter's hold on all executions of a tenant."""

    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _ids: dict[str, None] = field(default_factory=dict[str, None])
    _missed: bool = False

    async def changed(self) -> Sequence[str] | None:
        """Wait for executions that something was written of, each told once however much that was; None: some were
        missed, and which ones nobody knows."""
        await self._news.wait()
        self._news.clear()
        ids, missed = [*self._ids], self._missed
        self._ids.clear()
        self._missed = False
        return None if missed else ids

    def add(self, ids: Iterable[str]) -> None:
        """Something was written of these."""
        self._ids.update(dict.fromkeys(ids))
        if len(self._ids) > MOST_CHANGED:
            self.miss()
        self._news.set()

    def miss(self) -> None:
        """Something may have been written of others."""
        self._ids.clear()
        self._missed = True
        self._news.set()


class Listener:
    """Leads notifications to those who wait for them."""

    def __init__(self) -> None:
        self._watches: dict[str, set[Watch]] = {}
        self._feeds: dict[str, set[Feed]] = {}

    @contextmanager
    def watch(self, execution: str) -> Generator[Watch]:
        """Hear of an execution from now on: begin the watch, look at the row, then wait, and nothing is missed."""
        watch = Watch()
        self._watches.setdefault(execution, set()).add(watch)
        try:
            yield watch
        finally:
            self._watches[execution].discard(watch)
            if not self._watches[execution]:
                del self._watches[execution]

    @contextmanager
    def feed(self, tenant: TenantId) -> Generator[Feed]:
        """Hear of all executions of a tenant from now on."""
        feed = Feed()
        self._feeds.setdefault(tenant, set()).add(feed)
        try:
            yield feed
        finally:
            self._feeds[tenant].discard(feed)
            if not self._feeds[tenant]:
                del self._feeds[tenant]

    def wake(self, told: str) -> None:
        """Wake those who wait for some of these: a tenant, then executions of its."""
        words = told.split()
        for word in words:  # in front no tenant, where a worker is older
            for watch in self._watches.get(word, ()):
                watch.wake()
        for feed in self._feeds.get(words[0], ()) if words else ():
            feed.add(words[1:])

    def wake_all(self) -> None:
        """Something may have been missed: let everybody look."""
        for watches in self._watches.values():
            for watch in watches:
                watch.wake()

    def miss(self) -> None:
        """Nobody listened for a while."""
        for feeds in self._feeds.values():
            for feed in feeds:
                feed.miss()


@asynccontextmanager
async def listening(database: Database) -> AsyncGenerator[Listener]:
    """Listen for as long as the block lasts, also over losses of the connection."""
    listener = Listener()
    task = asyncio.create_task(_listen(database, listener), name="perdure listener")
    try:
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listen(database: Database, listener: Listener) -> None:
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    pause = 0.1
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=5, application_name="perdure listener"
            ) as connection:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
                pause = 0.1
                listener.miss()
                while True:
                    listener.wake_all()  # for what was missed before, or during the ping
                    async for notification in connection.notifies(timeout=PING):
                        listener.wake(notification.payload)
                    async with asyncio.timeout(PING):
                        await connection.execute("select 1")
        except (psycopg.OperationalError, TimeoutError) as gone:
            logger.warning("The database cannot be listened to, and is tried again: %s", type(gone).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
