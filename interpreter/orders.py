"""What an execution asks of the Temporal side, and how it ends."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue, SkipValidation

from dag.errors import ErrorValue
from dag.expressions import Moment
from dag.invocation import USUAL, CacheUse, Invocation
from dag.plan import Call
from interpreter.job import Computed, Job

HAND_OVER = "perdure_hand_over"
"""The extern function that says where local activities take what they are called with."""
HandOver = Callable[[str], MutableMapping[str, tuple[JsonValue, Invocation]]]
"""For the id of a run: config and invocation, by path."""


@dataclass(slots=True)
class Invoke:
    """Run an activity. (Not frozen, as one is made for every attempt.)"""

    number: int
    path: str
    title: str | None
    type: str
    call: Call
    config: JsonValue
    invocation: Invocation
    local: bool


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Compute a job with the large budget, outside the workflow task."""

    number: int
    path: str
    title: str | None
    of_node: bool
    """Whether a node starts with it, which can as well start later."""
    job: Job
    scope: Mapping[str, JsonValue]
    moment: Moment


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask what runs under a number to stop."""

    number: int


Order = Invoke | Evaluate | Cancel


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended."""

    status: Literal["succeeded", "failed", "cancelled", "timed_out"]
    output: SkipValidation[JsonValue] = None
    error: ErrorValue | None = None


def invocation_of(
    call: Call, computed: Computed, deadline: float | None, attempts: int, *, round: int = 1
) -> Invocation:
    """How an activity is to be run, with what has been computed for it."""
    retry = call.retry
    is_own = call.own_timeout or call.mask or call.cache or computed.secrets or retry.when or retry.never
    if not is_own and deadline is None and attempts == 0 and round == 1:
        return USUAL
    return Invocation(
        call.attempt_timeout if call.own_timeout else None,
        deadline,
        attempts,
        retry.when,
        retry.never,
        computed.secrets,
        call.mask,
        None if call.cache is None else CacheUse(computed.cache_key, call.cache.ttl),
        round=round,
    )
