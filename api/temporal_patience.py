"""How long Temporal may take to answer where somebody waits."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from api.problems import TemporalUnavailable

PATIENCE = 10.0
"""Seconds in which the client itself tries again while Temporal is away or has too much to do."""

Answer = TypeVar("Answer")


async def soon(call: Awaitable[Answer]) -> Answer:
    """Temporal's answer. Raises TemporalUnavailable when it takes longer."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await call
    except TimeoutError:
        raise TemporalUnavailable from None
