"""One attempt of an activity node, from the JSON of its config to the JSON of its output; knows nothing of Temporal."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from httpx2 import AsyncClient
from pydantic import JsonValue
from pydantic_monty import AsyncMonty

from activities.activity_type import AnyActivityType
from activities.context import Context, Progress, Reference
from activities.errors import AttemptTimeout, ConfigInvalid
from dag.errors import PerdureError
from dag.invocation import Invocation
from dag.testing.refusals import Unmocked
from worker.cache import Cache
from worker.live import Live
from worker.log_lines import AttemptLogger, LogLines
from worker.output import written
from worker.redaction import Redaction
from worker.secrets import Secrets, filled, resolved
from worker.usage import Usage, metered

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


@dataclass(frozen=True)
class Call:
    """What is asked for, by whom."""

    tenant: str
    execution: str
    type: str
    config: JsonValue
    invocation: Invocation
    idempotency_key: str
    heartbeat: Callable[[JsonValue], None]
    workflow: str = ""
    path: str = ""
    """Of the node run."""
    cut_off_after: float = math.inf
    """Seconds after which Temporal itself ends the attempt, as it does local ones."""


@dataclass
class Notes:
    """What is learnt while an attempt runs, and wanted however it ends."""

    redaction: Redaction
    lines: LogLines
    live: Live
    usage: Usage = field(default_factory=Usage)
    cached: bool | None = None
    """Whether nothing ran, as the output was stored before; None: it was not looked for."""
    stored: str | None = None
    """The stored output that was used."""


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
    config = filled(call.config, invocation.secrets, values)

    left = time_left(invocation.deadline)
    seconds = min(timeout, left)
    context = Context(
        idempotency_key=call.idempotency_key,
        timeout=timedelta(seconds=seconds),
        http=means.http,
        python=means.python,
        logger=AttemptLogger(notes.lines),
        heartbeat=call.heartbeat,
        progress=_progress(call, notes),
        cost=notes.usage.cost,
        computed=notes.usage.computed,
        store=_store(call, means, notes),
        conceal=notes.redaction.add,
    )
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
    """Do it, and fail as told if it takes longer."""
    scope = asyncio.timeout(None if seconds == math.inf else seconds)
    try:
        async with scope:
            return await work
    except (TimeoutError, asyncio.CancelledError):
        # Also when it was being cancelled and is cut off in that: nobody knows then whether it has had an effect.
        if scope.expired():
            raise late from None
        raise


def _progress(call: Call, notes: Notes) -> Progress:
    def progress(fraction: float | None, message: str = "", /) -> None:
        fraction = None if fraction is None or math.isnan(fraction) else min(1.0, max(0.0, fraction))
        notes.live.progress(fraction, message)
        call.heartbeat({"fraction": fraction, "message": message})

    return progress


def _has_effects(declared: AnyActivityType, config: JsonValue) -> bool:
    """By the rendered config: what the plan knew of it, templates may have changed."""
    return not isinstance(config, dict) or declared.traits(config).effects


def _store(call: Call, means: Means, notes: Notes) -> Callable[[bytes, str], Awaitable[Reference]]:
    async def store(content: bytes, media_type: str) -> Reference:
        content = notes.redaction.content(content)
        key = await means.keep(call.tenant, call.execution, content)
        return Reference(reference=key, media_type=media_type, size=len(content))

    return store
