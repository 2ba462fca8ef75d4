"""One attempt of an activity node, from the JSON of its config to the JSON of its output; knows nothing of Temporal."""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

import orjson
from httpx2 import AsyncClient
from pydantic import JsonValue
from pydantic_monty import AsyncMonty

from activities.activity_type import AnyActivityType
from activities.context import Reference
from activities.errors import AttemptTimeout, ConfigInvalid
from dag.errors import PerdureError
from dag.invocation import Invocation
from dag.strands import StrandId
from dag.testing.refusals import Unmocked
from worker.cache import Cache
from worker.notes import Notes
from worker.output import clean, written
from worker.secrets import Secrets, filled, resolved
from worker.usage import metered
from worker.watch import Going


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
    """What is asked for, by whom, and the Context of the activity type that does it. (One object, not frozen and with
    no closures, as one is made for every attempt.)"""

    means: Means
    notes: Notes
    whose: StrandId
    strand: str
    """The id of the workflow that asks."""
    workflow: str
    path: str
    """Of the node run."""
    type: str
    given: JsonValue | bytes
    """The config: as JSON text, as Temporal keeps it, or as the interpreter has it too, for whom it stays as it is."""
    invocation: Invocation
    going: Going
    cut_off_after: float = math.inf
    """Seconds after which Temporal itself ends the attempt, as it does local ones."""
    seconds: float = math.inf
    """How long it may take."""

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

    @property
    def timeout(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def http(self) -> AsyncClient:
        return self.means.http

    @property
    def python(self) -> AsyncMonty:
        return self.means.python

    @property
    def logger(self) -> logging.Logger:
        return self.notes.logger

    def heartbeat(self, told: JsonValue, /) -> None:
        self.going.tell(clean(told, self.notes.redaction))

    def progress(self, fraction: float | None, message: str = "", /) -> None:
        fraction = None if fraction is None or math.isnan(fraction) else min(1.0, max(0.0, fraction))
        self.notes.progress(fraction, message)
        self.heartbeat({"fraction": fraction, "message": message})

    def cost(self, unit: str, amount: float, /) -> None:
        self.notes.cost(unit, amount)

    def computed(self, seconds: float, /) -> None:
        self.notes.computed(seconds)

    async def store(self, content: bytes, media_type: str, /) -> Reference:
        content = self.notes.redaction.content(content)
        key = await self.means.keep(self.whose.tenant, self.whose.execution, content)
        return Reference(reference=key, media_type=media_type, size=len(content))

    def conceal(self, text: str, /) -> None:
        self.notes.redaction.add(text)


async def run(call: Call) -> bytes:
    """Run it once, within its time; what goes wrong as it may is raised as a PerdureError."""
    declared = call.means.types.get(call.type)
    if declared is None:
        raise ConfigInvalid(f"This worker knows no activity type `{call.type}`.")
    invocation, notes, going = call.invocation, call.notes, call.going
    if invocation.test == "pure" and _has_effects(declared, call.config):
        raise Unmocked
    config = call.given
    if invocation.secrets:
        # Looking them up waits while they cannot be asked; that is none of the attempt's time.
        looking = resolved(invocation.secrets, call.whose.tenant, call.means.secrets)
        values = await going.within(time_left(invocation.deadline), looking, NodeTimeout)
        notes.redaction.add(*values.values())
        config = filled(call.config, invocation.secrets, values)
    seconds, late = declared.seconds if invocation.timeout is None else invocation.timeout, AttemptTimeout
    if invocation.deadline is not None and (left := time_left(invocation.deadline)) < seconds:
        seconds, late = left, NodeTimeout
    call.seconds = seconds
    attempt = metered(declared.attempt(config, call), notes)
    # If Temporal ends it sooner than we would, it may.
    output = await (attempt if call.cut_off_after < seconds else going.within(seconds, attempt, late))
    return written(output, notes.redaction)


def time_left(deadline: float | None) -> float:
    """Seconds until a time comes; once it has come there is nothing left to do."""
    if deadline is None:
        return math.inf
    left = deadline - time.time()
    if left <= 0:
        raise NodeTimeout
    return left


def _has_effects(declared: AnyActivityType, config: JsonValue) -> bool:
    """By the rendered config: what the plan knew of it, templates may have changed."""
    return not isinstance(config, dict) or declared.traits(config).effects
