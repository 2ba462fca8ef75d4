"""Waits for the database rather than fail: an outage of it must fail no execution."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from store.database import StoreUnavailable

Answer = TypeVar("Answer")

logger = logging.getLogger("perdure.store")

_FIRST, _LONGEST = 0.1, 2.0


async def patiently(ask: Callable[[], Awaitable[Answer]], *, within: float | None = None) -> Answer:
    """Ask until the database answers, at most so many seconds if that is said; then raise StoreUnavailable."""
    until = None if within is None else asyncio.get_running_loop().time() + within
    pause = _FIRST
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            if until is not None and asyncio.get_running_loop().time() + pause > until:
                raise
            if pause == _FIRST:
                logger.warning("The database does not answer; waiting for it")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST)
