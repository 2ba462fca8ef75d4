"""What an execution remembers of how it is steered: carried over continue-as-new."""

from dataclasses import dataclass, field
from typing import Literal

from dag.errors import ErrorValue
from dag.steering import Breakpoint, Held, Steered
from dag.strands import batch_strand

MOST_ANSWERS = 500
"""That are remembered by their ids; the oldest are forgotten first."""


@dataclass
class Stepping:
    """A step that was asked for."""

    mode: Literal["over", "into"]
    base: int | None = None
    """The graph of the node that it started; None: none has yet."""
    graph: str = ""
    """That graph as the definition has it."""
    around: list[int] = field(default_factory=list[int])
    """The graphs around it."""


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


def remember(state: State, id: str, told: Steered) -> None:
    """Answer so whenever it is said again."""
    state.answers[id] = told
    while len(state.answers) > MOST_ANSWERS:
        del state.answers[next(iter(state.answers))]


def as_told(state: State) -> Steered:
    """How it stands, for who has said something."""
    return Steered(state.paused, state.debugging, state.held, tuple(state.breakpoints.values()))


def target_of(path: str, number: int) -> str:
    """A batch of this execution, as it is told apart from children, which go by their ids."""
    return f"/{batch_strand(path, number)}"
