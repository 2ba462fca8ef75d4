"""What Temporal says of the queues that workers ask for work: asked seldom, however many want to know."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse
from temporalio.client import Client
from temporalio.service import RPCError

from api.pollers import KINDS, described, recent
from api.problems import TemporalUnavailable

FRESH = 2.0
"""Seconds after which queues are asked about again."""
STALE = 30.0
"""Seconds after which what was known says nothing any more."""
PATIENCE = 0.1
"""Seconds that one who asks waits for Temporal; it goes on answering for the next one."""


@dataclass(frozen=True)
class QueueState:
    """One of the two halves of a queue. Numbers are Temporal's own estimates."""

    queue: str
    kind: str
    pollers: int
    """Workers that have asked for work of late."""
    backlog: int
    """Tasks that nobody has taken yet."""
    oldest_seconds: float
    """How long the oldest of them has been there."""
    added_per_second: float
    dispatched_per_second: float


@dataclass(frozen=True)
class Queues:
    """What is known of the queues; nothing, if Temporal has not answered."""

    known: bool
    asked_at: datetime | None
    hint: str | None
    queues: Sequence[QueueState]


class QueueStates:
    """Remembers what Temporal said last. One question at a time is on its way."""

    def __init__(self, connect: Callable[[], Awaitable[Client]], queue: str):
        self._connect = connect
        self._queue = queue
        self._known: tuple[float, Queues] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def now(self) -> Queues:
        """What is known, in little time."""
        if self._asking is None and self._age() > FRESH:
            self._asking = asyncio.create_task(self._ask(), name="perdure queues")
        if self._asking is not None:
            await asyncio.wait([self._asking], timeout=PATIENCE)
        if self._known is None or self._age() > STALE:
            return Queues(False, None, "Temporal has not answered: is it running?", ())
        return self._known[1]

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    def _age(self) -> float:
        return float("inf") if self._known is None else time.monotonic() - self._known[0]

    async def _ask(self) -> None:
        try:
            client = await self._connect()
            found = await asyncio.gather(*(self._state(client, kind) for kind in KINDS))
            self._known = (time.monotonic(), Queues(True, datetime.now(UTC), None, found))
        except (TemporalUnavailable, RPCError):
            pass  # what was known grows old, which says it
        finally:
            self._asking = None

    async def _state(self, client: Client, kind: str) -> QueueState:
        return _read(await described(client, self._queue, KINDS[kind], stats=True), self._queue, kind)


def _read(told: DescribeTaskQueueResponse, queue: str, kind: str) -> QueueState:
    stats = told.stats
    return QueueState(
        queue=queue,
        kind=kind,
        pollers=recent(told),
        backlog=stats.approximate_backlog_count,
        oldest_seconds=stats.approximate_backlog_age.ToTimedelta().total_seconds(),
        added_per_second=stats.tasks_add_rate,
        dispatched_per_second=stats.tasks_dispatch_rate,
    )
