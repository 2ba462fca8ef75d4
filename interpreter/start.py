"""What an execution of the interpreter is started with, and what it carries over continue-as-new."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from pydantic import JsonValue, SkipValidation

from dag.again import Again
from dag.batches import BatchOf
from dag.dependencies import Awaited
from dag.plan import PlanGraph
from dag.steering import Debugging
from dag.strands import BATCH
from dag.sub_workflows import Parent
from dag.testing.mode import Mode
from interpreter.arriving import Early
from interpreter.clock import Progress
from interpreter.compensation import Due
from interpreter.decisions import Memory
from interpreter.frames import FrameState
from interpreter.frontier import Standing
from interpreter.journal import Written
from interpreter.orders import Outcome
from interpreter.outputs import Index
from interpreter.pausing import State


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
    batch: int = BATCH
    """Turns in a batch of a large loop. The API finds tasks only in batches of the usual size."""
    batches_beyond: int = 2 * BATCH
    """A loop over more items runs in batches."""


@dataclass(frozen=True)
class Start:
    """The first argument of every execution; the second is its plan. Tenant and execution id are the workflow id."""

    input: SkipValidation[JsonValue] = None
    """JSON as it came; looking through all of it once more would take seconds when it is large."""
    env: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    trigger: str = "manual"
    attempt: int = 1
    started_by: str | None = None
    """Who may not decide in it, unless a task allows that."""
    parent: Parent | None = None
    """Who waits for its end."""
    depth: int = 0
    """How many executions wait for it, for those that wait for it, and so on."""
    tuning: Tuning = Tuning()
    strand: BatchOf | None = None
    """The batch of a loop that this is. None: it is the execution itself."""
    awaits: tuple[Awaited, ...] = ()
    """What has to succeed before it runs."""
    debug: Debugging | None = None
    """How it is debugged from its first node on."""
    test: Mode | None = None
    """What stands in for the world, where this is a test."""
    again: Again | None = None
    """What it goes on from, if it does not begin anew."""


@dataclass
class Depending:
    """How far an execution is with what it waits for before it runs."""

    stage: Literal["asking", "waiting", "over"] = "asking"
    since: float = 0.0
    unmet: list[str] = field(default_factory=list[str])
    """The workflows that have not succeeded yet."""
    ask_at: float = 0.0
    heard: bool = False
    """Whether word of a success has come since it was asked last."""
    cancelled: bool = False


@dataclass
class Queued:
    """How far an execution is with its gate."""

    stage: Literal["computing", "asking", "waiting", "inside", "away"] = "computing"
    gate: str | None = None
    key: SkipValidation[JsonValue] = None
    """By which executions count together."""
    ask_at: float | None = None
    """When the gate is asked again, if it is silent until then."""
    admitted: bool | None = None
    """What the gate has said, perhaps before it was heard where the gate is."""
    cancelled: bool = False

    @property
    def is_before(self) -> bool:
        """Whether the execution does not run yet."""
        return self.stage not in ("inside", "away")


@dataclass
class Kept:
    """A node that is not run, since it has been."""

    type: str
    port: str | None
    number: int
    """By which its output is kept until its turn."""


@dataclass
class Reuse:
    """What is left of what is taken over. Everything goes by the paths of nodes."""

    is_known: bool = False
    """Whether it has been found out what can be."""
    nodes: dict[str, Kept] = field(default_factory=dict[str, Kept])
    lost: set[str] = field(default_factory=set[str])
    due: list[Due] = field(default_factory=list[Due])
    """What is undone should the execution fail, once it has begun."""
    undo: list[Due] = field(default_factory=list[Due])
    """What is undone before anything runs."""
    children: dict[str, int] = field(default_factory=dict[str, int])
    rounds: dict[str, int] = field(default_factory=dict[str, int])


@dataclass
class Carried:
    """Where an execution stands at a safe point: nothing is in flight."""

    frames: list[FrameState]
    """The graphs that run, an outer one before those inside it."""
    started_at: float
    seed: int
    counter: int
    """The next number that no node run has yet."""
    start_time: float | None = None
    """When it was started; `started_at` is when its first task was, which may have been done more than once."""
    ready: list[int] = field(default_factory=list[int])
    """The frames with nodes to start, in their order."""
    held_back: list[int] = field(default_factory=list[int])
    """The activities that might not start when it was their turn."""
    early: Early = field(default_factory=Early)
    queued: Queued | None = None
    """How far it is with the gate, where its workflow has a limit."""
    depends: Depending | None = None
    """How far it is with what has to succeed before."""
    decisions: Memory = field(default_factory=Memory)
    written: Written = field(default_factory=Written)
    outputs: Index = field(default_factory=Index)
    """The outputs themselves follow as further arguments, one a segment."""
    begun: bool = False
    stop_output: SkipValidation[JsonValue] = None
    grace_until: float | None = None
    """How long what an ended execution still runs may take, all together."""
    outcome: Outcome | None = None
    """What the execution ends with once its compensations have run."""
    undone_wrongly: bool = False
    """Whether a compensation failed."""
    steering: State | None = None
    """How it is steered; None: nobody has touched it."""
    test: Progress | None = None
    """How far a test has come."""
    reuse: Reuse | None = None
    """What is taken over of what was done before."""


def written(start: Start) -> dict[str, Any]:
    """What is written of a start: that it begins anew goes without saying."""
    said = {each.name: getattr(start, each.name) for each in fields(start)}
    return said if start.again is not None else {name: value for name, value in said.items() if name != "again"}


def fresh(graph: PlanGraph, *, now: float, seed: int, start_time: float | None = None) -> Carried:
    """An execution that begins."""
    root = FrameState(0, Standing.of(graph), due=[])
    return Carried([root], now, seed, counter=len(graph.nodes) + 1, start_time=start_time)
