"""The newest events of the executions that somebody follows: read once a change, kept for all who are told them.

A change costs one query however many follow; what is kept is bounded, and whoever is further behind reads pages of
their own."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

from api.live import messages
from api.live.messages import Message
from api.live.reading import Reading
from store import tails
from store.database import Database, StoreUnavailable
from store.executions import ExecutionUnknown
from store.ids import ExecutionId, TenantId
from store.listening import Listener
from store.tails import Standing, Wanted

LOOK = 30.0
"""Seconds after which an execution is looked at though nobody said that it changed."""
KEPT_BATCHES = 200
KEPT_CHARACTERS = 512 * 1024
"""Of one execution."""
PER_FOLLOWER = 0.0001
"""Seconds from one batch to the next, for each who is told: about what it takes to tell them."""
LONGEST_PAUSE = 5.0

logger = logging.getLogger("perdure.live")


class TailBroken(Exception):
    """A bug of ours: the log tells which."""


class Tail:
    """What is newest of one execution."""

    def __init__(self, execution: ExecutionId):
        self.execution = execution
        self.standing: Standing | None = None
        """None: it has not been read yet."""
        self.last = 0
        """The number up to which it has been read."""
        self.over: Exception | None = None
        """Why nothing more will be read."""
        self.followers: set[asyncio.Event] = set()
        self._kept: OrderedDict[int, Message] = OrderedDict()
        """By the number before their first event; one follows the other."""
        self._characters = 0

    @property
    def told(self) -> Standing | None:
        """How the execution has ended, once it has and all its events have been read."""
        standing = self.standing
        return standing if standing and standing.closed_at is not None and standing.seq <= self.last else None

    def after(self, seq: int) -> Message | None:
        """What follows a number, if it is kept just so."""
        return self._kept.get(seq)

    def take(self, found: tails.Tail) -> None:
        """Keep what was read after the last number."""
        if self.standing is None:
            self.last = found.standing.seq
        self.standing = found.standing
        if found.events:
            message = messages.events(self.execution, found.events)
            self._kept[self.last] = message
            self._characters += len(message.text)
            self.last = found.events[-1].seq
        while len(self._kept) > KEPT_BATCHES or (self._characters > KEPT_CHARACTERS and len(self._kept) > 1):
            self._characters -= len(self._kept.popitem(last=False)[1].text)
        self.wake()

    def wake(self) -> None:
        """Let the followers look."""
        for follower in self.followers:
            follower.set()


class Tails:
    """Those of one process."""

    def __init__(self, database: Database, listener: Listener, reads: asyncio.Semaphore):
        self._listener = listener
        self._reading = Reading(database, reads)
        self._held: dict[tuple[TenantId, ExecutionId], tuple[Tail, asyncio.Task[None]]] = {}

    @contextmanager
    def follow(self, tenant: TenantId, execution: ExecutionId, news: asyncio.Event) -> Generator[Tail]:
        """Follow an execution: `news` is set whenever there may be more to tell."""
        key = (tenant, execution)
        if key not in self._held:
            made = Tail(execution)
            self._held[key] = made, asyncio.create_task(self._keep(tenant, made), name="perdure tail")
        tail, task = self._held[key]
        tail.followers.add(news)
        news.set()
        try:
            yield tail
        finally:
            tail.followers.discard(news)
            if not tail.followers:
                task.cancel()
                del self._held[key]

    async def page(self, tenant: TenantId, tail: Tail, *, since: int) -> Message | None:
        """Read what follows a number, for who is behind what is kept."""
        found = await self._reading.read(tenant, Wanted(tail.execution, since, tail.last))
        return messages.events(tail.execution, found.events) if found.events else None

    async def _keep(self, tenant: TenantId, tail: Tail) -> None:
        try:
            with self._listener.watch(tail.execution) as watch:
                while True:
                    await self._read(tenant, tail)
                    await asyncio.sleep(len(tail.followers) * PER_FOLLOWER)
                    if tail.standing is None or tail.standing.seq <= tail.last:
                        await watch.written(LOOK)
        except ExecutionUnknown as gone:
            tail.over = gone
        except Exception:
            logger.exception("The execution %s cannot be followed", tail.execution)
            tail.over = TailBroken()
        tail.wake()

    async def _read(self, tenant: TenantId, tail: Tail) -> None:
        pause = 0.1
        while True:
            try:
                since = tails.LAST if tail.standing is None else tail.last
                return tail.take(await self._reading.read(tenant, Wanted(tail.execution, since)))
            except StoreUnavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
