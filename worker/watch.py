"""Looks after attempts that run: shows Temporal that they go on, and ends those whose time is up."""

import asyncio
import math
from collections.abc import Awaitable
from contextvars import Context, copy_context
from typing import Any, TypeVar

from pydantic import JsonValue
from temporalio import activity

from dag.errors import PerdureError

EVERY = 2.0
"""Seconds between heartbeats. A cancel travels on the answer to one, and a lost worker is seen by their absence."""
LOOKS = 2
"""How often each attempt is looked at from one heartbeat to the next: one that has only just begun needs none yet, and
a hundred that end soon would be a hundred calls of the server."""

Result = TypeVar("Result")


class Watch:
    """Over all attempts of a process, by one timer: nearly all end before it rings, and with timers of their own they
    would take longer to start than to run."""

    def __init__(self) -> None:
        self._over: set[Going] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, *, shown: bool = True) -> "Going":
        """An attempt has begun; called in its own task. Temporal is `shown` that it goes on."""
        task = asyncio.current_task()
        assert task is not None
        going = Going(self, task, copy_context() if shown else None)
        if shown:
            self.add(going)
        return going

    def add(self, going: "Going") -> None:
        """It is to be looked at from time to time."""
        self._over.add(going)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY / LOOKS, self._look)

    def remove(self, going: "Going") -> None:
        """It has ended."""
        self._over.discard(going)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(EVERY / LOOKS, self._look) if self._over else None
        for going in self._over:
            going.look(loop)


class Going:
    """An attempt that runs."""

    __slots__ = ("_context", "_ends_at", "_looks", "_struck", "_task", "_timer", "_told", "_watch")

    def __init__(self, watch: Watch, task: "asyncio.Task[Any]", context: Context | None):
        self._watch = watch
        self._task = task
        self._context = context
        self._looks = 0
        self._told: tuple[JsonValue, ...] = ()
        self._ends_at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        """Of an end that is near."""
        self._struck = False

    def tell(self, told: JsonValue) -> None:
        """Say at once how far it has come, if that is shown."""
        if self._context is not None:
            self._told = (told,)
            activity.heartbeat(told)

    async def within(self, seconds: float, work: Awaitable[Result], late: type[PerdureError]) -> Result:
        """Do what is next of it, and fail as told if that takes longer. (asyncio.timeout does the same in several times
        the time.)"""
        if seconds == math.inf:
            return await work
        loop = asyncio.get_running_loop()
        self._ends_at = loop.time() + seconds
        if seconds <= EVERY / LOOKS:
            self._timer = loop.call_at(self._ends_at, self._strike)
        elif self._context is None:
            self._watch.add(self)
        try:
            return await work
        except (TimeoutError, asyncio.CancelledError):
            # Also when it was being cancelled and is cut off in that: nobody knows then whether it has had an effect.
            if self._struck:
                raise late from None
            raise
        finally:
            self._ends_at = math.inf
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._struck:
                self._struck = False
                self._task.uncancel()

    def end(self) -> None:
        """It has ended: nothing is told of it any more."""
        self._watch.remove(self)
        self._context = None

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """It has been going on for a while."""
        self._looks += 1
        if self._context is not None and self._looks % LOOKS == 0:  # by itself: one that fails harms no other
            loop.call_soon(activity.heartbeat, *self._told, context=self._context)
        if self._timer is None and self._ends_at <= loop.time() + EVERY / LOOKS:
            self._timer = loop.call_at(self._ends_at, self._strike)

    def _strike(self) -> None:
        self._struck = self._task.cancel()
