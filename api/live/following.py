"""Follows one execution: a snapshot or what came after a number, then all that happens, and its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from dataclasses import dataclass, field

from api.live import messages
from api.live.messages import Message
from api.live.tails import Tail, Tails
from store.database import StoreUnavailable
from store.ids import ExecutionId, TenantId

LAG = 5_000
"""Events that a reader who had caught up may fall behind."""
RETRY = 1.0


@dataclass
class Reader:
    """How far one stream is with one execution."""

    tails: Tails
    tenant: TenantId
    tail: Tail
    seq: int
    """Up to here it has been told."""
    ended: bool = False
    _caught_up: bool = field(default=False, init=False)

    async def news(self) -> AsyncGenerator[Message]:
        """All that there is to tell now. Raises ExecutionUnknown, TailBroken."""
        while self.tail.standing is not None and self.seq < self.tail.last:
            if self._caught_up and self.tail.last - self.seq > LAG:
                self.seq = self.tail.last
                yield messages.resync(self.tail.execution, self.seq)
                continue
            message = self.tail.after(self.seq) or await self._page()
            assert message is not None, "numbers have no holes"
            assert message.seq is not None
            self.seq = message.seq
            yield message
        if self.tail.over is not None:
            raise self.tail.over
        self._caught_up = self._caught_up or self.tail.standing is not None
        told = self.tail.told
        if told is not None and not self.ended:
            self.ended = True
            yield messages.end(told)

    async def _page(self) -> Message | None:
        while True:
            try:
                return await self.tails.page(self.tenant, self.tail, since=self.seq)
            except StoreUnavailable:
                await asyncio.sleep(RETRY)


async def following(
    tails: Tails, tenant: TenantId, execution: ExecutionId, *, first: Message | None, seq: int
) -> AsyncGenerator[Message]:
    """Tell of an execution what comes after a number, until it has ended and all is told."""
    news = asyncio.Event()
    with ExitStack() as held:
        reader = Reader(tails, tenant, held.enter_context(tails.follow(tenant, execution, news)), seq)
        if first is not None:
            yield first
        while not reader.ended:
            await news.wait()
            news.clear()
            async for message in reader.news():
                yield message
