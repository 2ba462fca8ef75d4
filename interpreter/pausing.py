"""What an execution remembers of how it is steered: carried over continue-as-new."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue, SkipValidation

from dag.errors import ErrorValue
from dag.steering import Breakpoint, Follow, Held, HeldInside, Steered, StepInside, WentOn
from dag.strands import batch_strand

MOST_ANSWERS = 500
"""That are remembered by their ids; the oldest are forgotten first."""


START = -1
"""In place of a graph: the execution is held before its first node."""
GOES_ON = -2
"""In place of a graph: the step has started its node elsewhere."""


@dataclass
class Stepping:
    """A step that was asked for."""

    mode: Literal["over", "into"]
    base: int | None = None
    """The graph of the node that it started; None: none has yet. START and GOES_ON: it starts none."""
    graph: str = ""
    """That graph as the definition has it."""
    around: list[int] = field(default_factory=list[int])
    """The graphs around it."""


@dataclass
class Follower:
    """A batch, or an execution that is waited for, as far as it was told how it is debugged."""

    told: Follow = field(default_factory=Follow)
    releases: str | None = None
    """The last of its holds that was to go on."""
    step: StepInside | None = None
    """The last that was given to it."""


@dataclass
class Beyond:
    """How debugging reaches over strands and executions: what those around have said, how those inside stand."""

    breakpoints: dict[str, Breakpoint] = field(default_factory=dict[str, Breakpoint])
    """Of who is around."""
    reports: bool = False
    """Whether who is around wants to know where this is held."""
    paused: bool = False
    """As who is around has said last."""
    stepped: int = 0
    """The last step that came from there."""
    holds: int = 0
    """How often this was held."""
    within: str | None = None
    """Who is held inside, where the hold is not this strand's own."""
    hold: str | None = None
    """That hold."""
    stepping: str | None = None
    """Who inside has the step that was asked for: nothing else moves."""
    steps: int = 0
    """How many were given away."""
    edits: SkipValidation[dict[str, dict[str, JsonValue]]] = field(default_factory=dict[str, dict[str, JsonValue]])
    """Values that variables were given, by the path of the graph: batches have copies of them."""
    followers: dict[str, Follower] = field(default_factory=dict[str, Follower])
    early: dict[str, HeldInside] = field(default_factory=dict[str, HeldInside])
    """Holds of who is not waited for yet, by target. A word that comes during a task may have Temporal give that out
    again: who was begun in it is heard of before it is begun once more."""
    reports_due: list[HeldInside | WentOn] = field(default_factory=list[HeldInside | WentOn])
    """What is to be told to who is around."""


@dataclass
class State:
    """How an execution is steered. One that nobody has touched is equal to a new one."""

    paused: bool = False
    by: str | None = None
    reason: str | None = None
    debugging: bool = False
    breakpoints: dict[str, Breakpoint] = field(default_factory=dict[str, Breakpoint])
    """By the node."""
    held: Held | None = None
    """Where the debugger holds it, while it is paused."""
    passing: int | None = None
    """The node that was held, which starts next without being held again."""
    stepping: Stepping | None = None
    failures: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    """Of nodes that have failed while the debugger holds what follows from it."""
    skipping: list[int] = field(default_factory=list[int])
    """Nodes that were asked to stop by who skips them."""
    cancelled_by: str | None = None
    cancelled_for: str | None = None
    told: list[str] = field(default_factory=list[str])
    """Children and batches that were told to pause last."""
    spoken: int = 0
    """How often children and batches were told something."""
    heard: int = 0
    """The newest serial of what the parent has passed on."""
    answers: dict[str, Steered] = field(default_factory=dict[str, Steered])
    """By the ids of commands: Temporal forgets over continue-as-new which updates it has had."""
    beyond: Beyond | None = None
    """None: debugging, if there is any, does not reach over strands."""


def remember(state: State, id: str, told: Steered) -> None:
    """Answer so whenever it is said again."""
    state.answers[id] = told
    while len(state.answers) > MOST_ANSWERS:
        del state.answers[next(iter(state.answers))]


def as_told(state: State) -> Steered:
    """How it stands, for who has said something."""
    around = {} if state.beyond is None else state.beyond.breakpoints
    known = tuple({**around, **state.breakpoints}.values())
    return Steered(state.paused, state.debugging or bool(around), state.held, known)


def heeded(state: State) -> dict[str, Breakpoint]:
    """The breakpoints that may hold a node, by their nodes: those of who is around, and its own."""
    around = {} if state.beyond is None else state.beyond.breakpoints
    return {**around, **state.breakpoints} if state.debugging else around


def target_of(path: str, number: int) -> str:
    """A batch of this execution, as it is told apart from children, which go by their ids."""
    return f"/{batch_strand(path, number)}"
