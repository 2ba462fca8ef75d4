"""What API and interpreter tell each other of steering an execution: what is asked of it, how it stands then."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, JsonValue, SkipValidation

STEER = "steer"
"""The update, and the signal, that brings a Command."""
LOOK_INSIDE = "inside"
"""The query for an Inside: where an execution stands, graph by graph."""
VARIABLES_SEEN = "scopes"
"""The query for the variables and names that are seen at one place."""
TELL_OTHERS = "perdure.tell"
"""The activity that tells batches and children to pause or to go on."""
ANYWHERE = "*"
"""The node of a breakpoint that is one at every node."""


@dataclass(frozen=True)
class Pause:
    """Start no further node."""

    do: Literal["pause"] = "pause"


@dataclass(frozen=True)
class Resume:
    """Go on."""

    do: Literal["resume"] = "resume"


@dataclass(frozen=True)
class Cancelling:
    """A cancel follows; it is noted who asks for it."""

    do: Literal["cancelling"] = "cancelling"


@dataclass(frozen=True)
class Skip:
    """Settle a node as skipped; one that runs is asked to stop."""

    path: str
    do: Literal["skip"] = "skip"


@dataclass(frozen=True)
class Edit:
    """Give variables other values."""

    values: SkipValidation[dict[str, JsonValue]]
    path: str = ""
    """Of the graph that declares them, as `each[2]`; empty: the document's own."""
    do: Literal["edit"] = "edit"


@dataclass(frozen=True)
class Enable:
    """Heed breakpoints."""

    do: Literal["enable"] = "enable"


@dataclass(frozen=True)
class Disable:
    """Heed no breakpoint, and go on where one holds."""

    do: Literal["disable"] = "disable"


@dataclass(frozen=True)
class StepOn:
    """Start one node, and hold before the next."""

    mode: Literal["over", "into"] = "over"
    """Whether the next is one of the same graph, or any."""
    do: Literal["step"] = "step"


@dataclass(frozen=True)
class Breakpoint:
    """Where an execution is held."""

    node: str = ANYWHERE
    """Its path; without the numbers of turns, in every turn."""
    condition: str | None = None
    """An expression over what the node sees."""
    on_error: bool = False
    """Whether it holds when the node has failed, and not before it starts."""


@dataclass(frozen=True)
class Set:
    """Set a breakpoint; there is one a node."""

    breakpoint: Breakpoint
    do: Literal["set"] = "set"


@dataclass(frozen=True)
class Clear:
    """Take the breakpoint of a node away."""

    node: str
    do: Literal["clear"] = "clear"


@dataclass(frozen=True)
class Held:
    """Where the debugger holds an execution."""

    path: str
    """Of the node that starts next, or that has failed. In an execution that a node waits for, the
    node's own comes first."""
    why: Literal["breakpoint", "error", "step", "start"]
    breakpoint: str | None = None
    """The node of the breakpoint."""
    error: JsonValue = None
    """Of a node that has failed; or why a condition cannot be asked."""
    execution: str | None = None
    """In which the node is, if it is another one."""


@dataclass(frozen=True)
class StepInside:
    """A step that goes on in a batch, or in an execution that is waited for."""

    mode: Literal["over", "into"]
    starts: bool
    """Whether it starts a node there; else it holds before the next."""
    number: int
    """By which it is told from later ones."""


@dataclass(frozen=True)
class Follow:
    """How a strand or an execution stands that is debugged, for those inside it."""

    paused: bool = False
    breakpoints: tuple[Breakpoint, ...] = ()
    """Those that may hold nodes there."""
    releases: str | None = None
    """The hold there that it lets go on."""
    step: StepInside | None = None
    edits: SkipValidation[dict[str, dict[str, JsonValue]]] = field(default_factory=dict[str, dict[str, JsonValue]])
    """Values that variables were given, by the path of the graph."""
    do: Literal["follow"] = "follow"


@dataclass(frozen=True)
class HeldInside:
    """A batch, or an execution that is waited for, is held: for who is around it."""

    target: str
    """Who says so."""
    hold: str
    """By which it is told from others."""
    held: Held
    do: Literal["held_inside"] = "held_inside"


@dataclass(frozen=True)
class WentOn:
    """Somebody has let an execution go on, by itself, that was held."""

    target: str
    hold: str
    do: Literal["went_on"] = "went_on"


Act = Annotated[
    Pause | Resume | Cancelling | Skip | Edit | Enable | Disable | StepOn | Set | Clear | Follow | HeldInside | WentOn,
    Field(discriminator="do"),
]


@dataclass(frozen=True)
class Command:
    """What somebody asks of an execution."""

    id: str
    """Said again under the same id, it is answered as it was."""
    by: str
    """Who asks, as `key:…`."""
    act: Act
    reason: str | None = None
    serial: int = 0
    """Of what a parent passes on, which is told apart from what it said later; 0: nobody passes it on."""
    reaches: bool = False
    """Whether debugging reaches batches and the executions that are waited for: before 0.3 it did not."""


@dataclass(frozen=True)
class Steered:
    """How an execution stands after a command."""

    paused: bool
    debugging: bool
    held: Held | None = None
    breakpoints: tuple[Breakpoint, ...] = ()


@dataclass(frozen=True)
class Debugging:
    """How an execution is debugged from its start."""

    breakpoints: tuple[Breakpoint, ...] = ()
    hold: bool = False
    """Whether it is held before its first node."""
    reaches: bool = False
    """As with a Command."""
    around: bool = False
    """Whether the execution that waits for it is debugged, whose breakpoints these are."""


@dataclass(frozen=True)
class Passing:
    """Something to be told to executions, by their ids, and to strands of this one, by their names after a slash. A
    strand of another is its id, and its name after a slash."""

    path: str
    targets: tuple[str, ...]
    command: Command


@dataclass(frozen=True)
class InsideOf:
    """What part of an execution is asked for."""

    path: str = ""
    """Of a graph; empty: all that run."""
    limit: int = 200


@dataclass(frozen=True)
class NodeInside:
    """A node of a graph that runs."""

    path: str
    type: str
    status: str
    port: str | None = None
    output: SkipValidation[JsonValue] = None
    output_bytes: int | None = None
    """Of an output that is too large to be shown here."""
    error: JsonValue = None


@dataclass(frozen=True)
class GraphInside:
    """A graph that runs."""

    path: str
    nodes: list[NodeInside]


@dataclass(frozen=True)
class Inside:
    """Where an execution stands."""

    paused: bool
    debugging: bool
    held: Held | None
    breakpoints: tuple[Breakpoint, ...]
    next: list[str]
    """What starts next, in order, as far as it is known."""
    graphs: list[GraphInside]
    more: bool
    """Whether there are more graphs, or nodes, than are shown."""


@dataclass(frozen=True)
class Value:
    """A variable, or a name that a graph binds."""

    name: str
    kind: Literal["variable", "name"]
    value: SkipValidation[JsonValue] = None
    bytes: int | None = None
    """Of a value that is too large to be shown here."""


@dataclass(frozen=True)
class Scope:
    """What one graph declares and binds."""

    path: str
    values: list[Value] = field(default_factory=list[Value])
