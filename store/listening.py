"""Tells waiters in this process that something was written of an execution, over one connection of its own."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from store.database import Database
from store.journal import CHANNEL

logger = logging.getLogger(__name__)

PING = 20.0
"""Seconds of silence after which the connection is tried, and every waiter looks for itself."""
LONGEST_PAUSE = 5.0


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


class Listener:
    """Leads notifications to those who wait for them."""

    def __init__(self) -> None:
        self._watches: dict[str, set[Watch]] = {}

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

    def wake(self, executions: str) -> None:
        """Wake those who wait for some of these."""
        for execution in executions.split():
            for watch in self._watches.get(execution, ()):
                watch.wake()

    def wake_all(self) -> None:
        """Something may have been missed: let everybody look."""
        for watches in self._watches.values():
            for watch in watches:
                watch.wake()


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
