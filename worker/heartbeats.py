"""Shows Temporal that attempts go on, and how far they have come."""

import asyncio
from contextvars import Context, copy_context

from pydantic import JsonValue
from temporalio import activity

EVERY = 2.0
"""Seconds between heartbeats. A cancel travels on the answer to one, and a lost worker is seen by their absence."""


class Heartbeats:
    """Those of many attempts, by one timer: nearly all end before it rings, and each with its own would take longer
    than the rest of starting one. The key is whatever stands for an attempt."""

    def __init__(self) -> None:
        self._going: dict[object, tuple[Context, tuple[JsonValue, ...]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, key: object) -> None:
        """An attempt has begun; called in its own task."""
        self._going[key] = copy_context(), ()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._beat)

    def tell(self, key: object, told: JsonValue) -> None:
        """Say at once how far it has come."""
        if (going := self._going.get(key)) is not None:
            self._going[key] = going[0], (told,)
            activity.heartbeat(told)

    def end(self, key: object) -> None:
        """It has ended."""
        self._going.pop(key, None)

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(EVERY, self._beat) if self._going else None
        for context, told in self._going.values():
            loop.call_soon(activity.heartbeat, *told, context=context)  # each by itself: one that fails harms no other
