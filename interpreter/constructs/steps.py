"""What a node that lasts asks for, and what it is told of it: constructs decide, the execution carries out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.event_messages import EmittedEvent
from dag.events import EventType

Read = Callable[[int], JsonValue]
"""The value in one of the node's slots; null in an empty one."""


@dataclass(frozen=True, slots=True)
class Open:
    """Run a graph of the node's."""

    part: str
    turn: int | None = None
    names: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What is bound in it."""
    slot: int = 0
    """Which of the node's slots takes its output."""
    shielded: bool = False
    """Whether it runs to its end though the node is being cancelled."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Cancel every graph of the node's that runs and is not shielded."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Compute a condition of the node's config, with names bound besides what the node sees."""

    condition: str
    names: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Fill:
    """Keep a value in a slot."""

    slot: int
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Yield:
    """The node has succeeded; its output is made of what these slots hold, null where they hold nothing."""

    mode: Literal["value", "list", "full", "merge", "by_name", "none"]
    slots: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    """With `by_name`, the key of each."""
    rows: tuple[Mapping[str, JsonValue], ...] = ()
    """With `full`, what is said of each besides its output."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The node has failed."""

    error: ErrorValue


@dataclass(frozen=True, slots=True)
class Doubt:
    """The node has failed, and whether it had its effect is not known."""

    error: ErrorValue


@dataclass(frozen=True, slots=True)
class Leave:
    """Everything inside has ended, as the node was asked to."""


@dataclass(frozen=True, slots=True)
class Give:
    """The node has succeeded, with this output on this port."""

    port: str
    output: JsonValue = None


@dataclass(frozen=True, slots=True)
class Call:
    """Run one of Perdure's own activities; one at a time."""

    activity: str
    argument: JsonValue


@dataclass(frozen=True, slots=True)
class Until:
    """Tell the node when this time has come, and no other; None: no time."""

    at: float | None


@dataclass(frozen=True, slots=True)
class Tell:
    """The node waits, people are told; with what it waits for."""

    data: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Say:
    """Something happened while the node waits that the journal tells."""

    type: EventType
    data: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Begin a batch of the node's turns, in a strand of its own. It is a call as others are."""

    number: int
    first: int
    count: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Owe:
    """What the turn or branch with this slot has done that is to be undone, should the execution fail."""

    slot: int
    due: JsonValue


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the loop of which this strand is a batch that it comes to its end, while turns still run. It is a call as
    others are."""

    how: Literal["breaking", "failing"]


@dataclass(frozen=True, slots=True)
class Conclude:
    """The batch that this strand is has ended."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A `stop` inside, where this strand does not see it, ends the execution with this output."""

    output: JsonValue


@dataclass(frozen=True, slots=True)
class Decline:
    """An event is for others."""

    event: EmittedEvent


Step = (
    Open
    | Halt
    | Ask
    | Fill
    | Owe
    | Yield
    | Fail
    | Doubt
    | Leave
    | Give
    | Call
    | Dispatch
    | Until
    | Tell
    | Say
    | Decline
    | Warn
    | Conclude
    | Stop
)


@dataclass(frozen=True, slots=True)
class End:
    """How a graph ended."""

    how: Literal["succeeded", "failed", "cancelled", "broken", "continued"]
    error: ErrorValue | None = None
