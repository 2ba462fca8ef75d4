"""One attempt of an activity node, from the JSON of its config to the JSON of its output; knows nothing of Temporal."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import TypeVar

import orjson
from httpx2 import AsyncClient
from pydantic import JsonValue
from pydantic_monty import AsyncMonty

from activities.activity_type import AnyActivityType
from activities.context import Context, Reference
from activities.errors import AttemptTimeout, ConfigInvalid
from dag.errors import PerdureError
from dag.invocation import Invocation
from dag.testing.refusals import Unmocked
from worker.cache import Cache
from worker.notes import Notes
from worker.output import written
from worker.secrets import Secrets, filled, resolved
from worker.usage import metered

Result = TypeVar("Result")


class NodeTimeout(PerdureError):
    """The node took longer than its `timeout`, retries and waits included."""

    code = "timeout.node"


@dataclass(frozen=True)
class Means:
    """What the activities of one process share."""

    types: Mapping[str, AnyActivityType]
    secrets: Secrets
    cache: Cache
    http: AsyncClient
    python: AsyncMonty
    keep: Callable[[str, str, bytes], Awaitable[str]]
    """Keeps content of a tenant's execution outside its history, and says what to ask for it by."""
    reachable: Callable[[], Awaitable[None]]
    """Waits until something can be kept there."""


@dataclass(slots=True)
class Call:
    """What is asked for, by whom. (Not frozen, as one is made for every attempt.)"""

    tenant: str
    execution: str
    strand: str
    """The id of the workflow that asks."""
    workflow: str
    path: str
    """Of the node run."""
    type: str
    given: JsonValue | bytes
    """The config: as JSON text, as Temporal keeps it, or as the interpreter has it too, for whom it stays as it is."""
    invocation: Invocation
    heartbeat: Callable[[JsonValue], None]
    cut_off_after: float = math.inf
    """Seconds after which Temporal itself ends the attempt, as it does local ones."""

    @property
    def config(self) -> JsonValue:
        """The config as a value."""
        return orjson.loads(self.given) if isinstance(self.given, bytes) else self.given

    @property
    def idempotency_key(self) -> str:
        """Of what stays the same over attempts, crashes, workers and continue-as-new; what was undone and is done again
        has another one."""
        round = self.invocation.round
        again = f"\n{round}" if round > 1 else ""
        return blake2b(f"{self.strand}\n{self.path}{again}".encode(), digest_size=16).hexdigest()


class AttemptContext:
    """The Context of one attempt. (Slots and no closures, as one is made for every attempt.)"""

    __slots__ = ("_call", "_means", "_notes", "_seconds")

    def __init__(self, call: Call, means: Means, notes: Notes, seconds: float):
        self._call = call
        self._means = means
        self._notes = notes
        self._seconds = seconds

    @property
    def idempotency_key(self) -> str:
        return self._call.idempotency_key

    @property
    def timeout(self) -> timedelta:
        return timedelta(seconds=self._seconds)

    @property
    def http(self) -> AsyncClient:
        return self._means.http

    @property
    def python(self) -> AsyncMonty:
        return self._means.python

    @property
    def logger(self) -> logging.Logger:
        return self._notes.logger

    def heartbeat(self, told: JsonValue, /) -> None:
        self._call.heartbeat(told)

    def progress(self, fraction: float | None, message: str = "", /) -> None:
        fraction = None if fraction is None or math.isnan(fraction) else min(1.0, max(0.0, fraction))
        self._notes.progress(fraction, message)
        self._call.heartbeat({"fraction": fraction, "message": message})

    def cost(self, unit: str, amount: float, /) -> None:
        self._notes.usage.cost(unit, amount)

    def computed(self, seconds: float, /) -> None:
        self._notes.usage.computed(seconds)

    async def store(self, content: bytes, media_type: str, /) -> Reference:
        content = self._notes.redaction.content(content)
        key = await self._means.keep(self._call.tenant, self._call.execution, content)
        return Reference(reference=key, media_type=media_type, size=len(content))

    def conceal(self, text: str, /) -> None:
        self._notes.redaction.add(text)


async def run(call: Call, means: Means, notes: Notes) -> bytes:
    """Run it once, within its time; what goes wrong as it may is raised as a PerdureError."""
    declared = means.types.get(call.type)
    if declared is None:
        raise ConfigInvalid(f"This worker knows no activity type `{call.type}`.")
    invocation = call.invocation
    if invocation.test == "pure" and _has_effects(declared, call.config):
        raise Unmocked
    values: Mapping[str, str] = {}
    if invocation.secrets:
        # Looking them up waits while they cannot be asked; that is none of the attempt's time.
        values = await within(
            time_left(invocation.deadline), resolved(invocation.secrets, call.tenant, means.secrets), NodeTimeout
        )
        notes.redaction.add(*values.values())
    timeout = declared.timeout.total_seconds() if invocation.timeout is None else invocation.timeout
    config = filled(call.config, invocation.secrets, values) if invocation.secrets else call.given
    left = time_left(invocation.deadline)
    seconds = min(timeout, left)
    context: Context = AttemptContext(call, means, notes, seconds)
    attempt = metered(declared.attempt(config, context), notes.usage.computed)
    if call.cut_off_after < seconds:
        output = await attempt  # Temporal ends it sooner than we would
    else:
        output = await within(seconds, attempt, AttemptTimeout if timeout <= left else NodeTimeout)
    return written(output, notes.redaction)


def time_left(deadline: float | None) -> float:
    """Seconds until a time comes; once it has come there is nothing left to do."""
    if deadline is None:
        return math.inf
    left = deadline - time.time()
    if left <= 0:
        raise NodeTimeout
    return left


async def within(seconds: float, work: Awaitable[Result], late: type[PerdureError]) -> Result:
    """Do it, and fail as told if it takes longer. (asyncio.timeout does the same in three times the time.)"""
    if seconds == math.inf:
        return await work
    task = asyncio.current_task()
    assert task is not None
    expired = False

    def cut_off() -> None:
        nonlocal expired
        expired = task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, cut_off)
    try:
        return await work
    except (TimeoutError, asyncio.CancelledError):
        # Also when it was being cancelled and is cut off in that: nobody knows then whether it has had an effect.
        if expired:
            raise late from None
        raise
    finally:
        timer.cancel()
        if expired:
            task.uncancel()


def _has_effects(declared: AnyActivityType, config: JsonValue) -> bool:
    """By the rendered config: what the plan knew of it, templates may have changed."""
    return not isinstance(config, dict) or declared.traits(config).effects
