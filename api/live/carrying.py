"""Carries messages to one client: heartbeats, a limit for who does not read, an end with a reason."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.websockets import WebSocketDisconnect

from api.keys import AuthInvalid
from api.live import messages
from api.live.messages import Message
from api.means import Means
from dag.errors import PerdureError
from store.database import StoreUnavailable
from store.tenants import Holder

logger = logging.getLogger("perdure.live")


@dataclass(frozen=True)
class Closing:
    """Why a stream is over: a code of WebSockets, and a public word."""

    code: int
    reason: str


ENDED = Closing(1000, "ended")
ONE_WAY = Closing(1003, "stream.one_way")
BROKEN = Closing(1011, "internal")
RESTARTING = Closing(1012, "server.restarting")
STUCK = Closing(1013, "stream.stuck")
"""The client has taken nothing for two heartbeats."""


def refused(wrong: PerdureError) -> Closing:
    """Close for a reason that has a code of its own."""
    return Closing(1008, wrong.code)


class Way(Protocol):
    """What leads to one client."""

    async def put(self, message: Message) -> None:
        """Send a message, as soon as the client takes it."""
        ...

    async def left(self) -> Closing | None:
        """Wait until the client has gone, or has done what it may not."""
        ...

    async def finish(self, closing: Closing) -> None:
        """Say why it is over."""
        ...

    def cut(self) -> None:
        """End the connection at once."""
        ...


async def carry(way: Way, stream: AsyncGenerator[Message], means: Means, holder: Holder) -> None:
    """Send a stream until it ends, the client leaves, the key is revoked or the process ends."""
    sending = asyncio.create_task(_send(way, stream, means, holder))
    leaving = asyncio.create_task(way.left())
    stopping = asyncio.create_task(means.live.leaving.wait())
    tasks: list[asyncio.Task[Any]] = [sending, leaving, stopping]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # Who has gone need not be told anything.
        over = leaving if leaving.done() else sending
        closing = over.result() if over.done() else RESTARTING
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await stream.aclose()
    if closing is STUCK:
        way.cut()
    elif closing is not None:
        await _finish(way, closing)


async def _send(way: Way, stream: AsyncGenerator[Message], means: Means, holder: Holder) -> Closing | None:
    heartbeat = means.settings.api_heartbeat.total_seconds()
    loop = asyncio.get_running_loop()
    checked = loop.time()
    upcoming = asyncio.ensure_future(anext(stream))
    try:
        while True:
            ready, _ = await asyncio.wait({upcoming}, timeout=heartbeat)
            if loop.time() - checked >= heartbeat:
                checked = loop.time()
                await _check(means, holder)
            message = upcoming.result() if ready else messages.heartbeat()
            if not await _taken(way, message, within=2 * heartbeat):
                return STUCK
            if ready:
                upcoming = asyncio.ensure_future(anext(stream))
    except StopAsyncIteration:
        return ENDED
    except WebSocketDisconnect:
        return None
    except PerdureError as wrong:
        return refused(wrong)
    except Exception:
        logger.exception("A stream broke off")
        return BROKEN
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)


async def _taken(way: Way, message: Message, *, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await way.put(message)
    except TimeoutError:
        return False
    return True


async def _check(means: Means, holder: Holder) -> None:
    """Raises AuthInvalid. While nobody can tell, the key counts: nothing is read meanwhile."""
    try:
        opens = await means.keys.opens(holder)
    except StoreUnavailable:
        return
    if not opens:
        raise AuthInvalid


async def _finish(way: Way, closing: Closing) -> None:
    try:
        async with asyncio.timeout(1):
            await way.finish(closing)
    except TimeoutError:
        way.cut()
    except (WebSocketDisconnect, RuntimeError):
        return  # it has gone meanwhile
