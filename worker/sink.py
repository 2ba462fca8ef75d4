"""Where a worker sends what happens, without ever waiting for it."""

import asyncio
import logging
import math
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

from dag.events import ENDS, StepEvent
from worker.records import Attempt, Lines, Progress, Record

logger = logging.getLogger(__name__)

_PAUSE = 0.01
"""Seconds in which what happens comes together: the writer is not woken for every node of a quick chain, nor in the
middle of a workflow task, which it would hold up."""
_RECORDS = 0.1
"""The same for records of attempts: what people watch, step events tell, and those take the records with them."""


@dataclass(slots=True)
class Step:
    """A step event, and whether a replay said it. Not frozen, as the event itself is not."""

    event: StepEvent
    replaying: bool


Entry = Step | Record


class Sink(Protocol):
    """Takes step events and records of attempts, from any thread and in no time; what it cannot keep is counted."""

    def step(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 the interpreter's call, by position
        """Take what an interpreter says."""
        ...

    def attempt(self, record: Attempt) -> None:
        """Take what is known of an attempt that has ended."""
        ...

    def told(self, record: Lines | Progress) -> None:
        """Take what an attempt tells while it runs."""
        ...


class Unavailable(Exception):
    """A batch could not be written now, but may be later."""


class BufferedSink:
    """Hands batches to `write`. When `write` says Unavailable it is asked again with the same batch, while the buffer
    fills and then drops; dropped step events come back by healing."""

    def __init__(
        self,
        write: Callable[[Sequence[Entry]], Awaitable[None]],
        *,
        limit: int = 100_000,
        batch: int = 1_000,
        most_pause: float = 0.02,
        patience: float = 5.0,
    ):
        self._write = write
        self._limit = limit
        self._batch = batch
        self._most_pause = most_pause
        self._pause = _PAUSE
        self._patience = patience
        self._waiting: deque[Entry] = deque()
        self._in_hand: Sequence[Entry] = ()
        self._lock = threading.Lock()
        self._due = asyncio.Event()
        self._due_in = math.inf
        """The pause after which it is, of all that waits the shortest."""
        self._due_at = math.inf
        self._timer: asyncio.Handle | None = None
        self._written_at = -math.inf
        self._closing = False
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._writer = asyncio.create_task(self._write_on(), name="perdure sink")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left, for as long as `patience` allows."""
        self._closing = True
        self._due.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._writer, self._patience)
        self._limit = 0
        self._count_dropped(len(self._waiting) + len(self._in_hand))
        self._waiting.clear()

    @property
    def waiting(self) -> int:
        """How many records are not written yet."""
        return len(self._waiting) + len(self._in_hand)

    def step(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 see Sink
        """Take what an interpreter says; called on the threads that run workflow tasks. Somebody may wait for the end
        of an execution: that is written without a pause."""
        self._take(Step(event, replaying), 0.0 if event.type in ENDS else _PAUSE)

    def attempt(self, record: Attempt) -> None:
        """Take what is known of an attempt that has ended."""
        self._take(record, _RECORDS)

    def told(self, record: Lines | Progress) -> None:
        """Take what an attempt tells while it runs."""
        self._take(record, _PAUSE)

    def _take(self, entry: Entry, pause: float) -> None:
        # A deque appends atomically, so the way of nearly every event needs no lock.
        if len(self._waiting) >= self._limit:
            self._count_dropped(1)
            return
        self._waiting.append(entry)
        if pause < self._due_in:  # waking the loop costs a system call: rarely, then
            self._due_in = pause
            self._loop.call_soon_threadsafe(self._write_soon, pause)

    def _write_soon(self, pause: float) -> None:
        now = self._loop.time()
        at = now + max(pause, self._pause) if pause else max(now, self._written_at + self._pause)
        if at >= self._due_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due_at, self._timer = at, self._loop.call_at(at, self._due.set)

    def _count_dropped(self, count: int) -> None:
        with self._lock:
            self.dropped += count

    async def _write_on(self) -> None:
        while not (self._closing and not self._waiting):
            await self._due.wait()
            self._due.clear()
            self._due_at = self._due_in = math.inf  # before looking: whatever is taken from now on wakes this again
            while self._waiting:
                self._in_hand = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
                began = self._loop.time()
                await self._write_batch(self._in_hand)
                self._in_hand = ()
                # In proportion to a write: soon where the database is quick, and in large batches where it is not.
                self._written_at = self._loop.time()
                self._pause = min(max((self._written_at - began) / 2, _PAUSE), self._most_pause)

    async def _write_batch(self, batch: Sequence[Entry]) -> None:
        pause = self._most_pause
        while True:
            try:
                return await self._write(batch)
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            except Exception:
                # A bug in what writes must not end the journal of everything else; step events come back by healing.
                logger.exception("A batch of %d records could not be written and is dropped", len(batch))
                return self._count_dropped(len(batch))
