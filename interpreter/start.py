"""What an execution of the interpreter is started with, and what it carries over continue-as-new."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue, SkipValidation

from dag.errors import ErrorValue
from interpreter.compute import Computed
from interpreter.frontier import Standing
from interpreter.journal import Written
from interpreter.outputs import Index


@dataclass(frozen=True)
class Tuning:
    """Bounds on one run of the interpreter."""

    in_flight: int = 500
    """Activities that may run at once."""
    continue_after: int | None = None
    """Continue as new after this many activities and timers; None: when Temporal suggests it."""
    patience: float = 10.0
    """Seconds that the rest waits for running activities, so that history can be cut, before it goes on."""
    most_events: int = 30_000
    """At this length of history the rest waits as long as it takes."""


@dataclass(frozen=True)
class Start:
    """The first argument of every execution; the second is its plan. Tenant and execution id are the workflow id."""

    input: SkipValidation[JsonValue] = None
    """JSON as it came; looking through all of it once more would take seconds when it is large."""
    env: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    trigger: str = "manual"
    attempt: int = 1
    tuning: Tuning = Tuning()


@dataclass(frozen=True)
class Wait:
    """A started node that waits for a time: a delay, or an activity before its next attempt."""

    until: float
    call: Computed | None = None
    """The config of an activity whose next attempt this is."""
    attempts: int = 0


@dataclass
class Carried:
    """Where an execution stands at a safe point: nothing is in flight."""

    standing: Standing
    started_at: float
    seed: int
    written: Written = field(default_factory=Written)
    outputs: Index = field(default_factory=Index)
    """The outputs themselves follow as further arguments, one a segment."""
    begun: bool = False
    vars: SkipValidation[dict[str, JsonValue]] = field(default_factory=dict[str, JsonValue])
    errors: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    waits: dict[int, Wait] = field(default_factory=dict[int, Wait])
    node_deadlines: dict[int, float] = field(default_factory=dict[int, float])
    stop_output: SkipValidation[JsonValue] = None
