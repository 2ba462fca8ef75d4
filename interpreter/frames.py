"""The graphs of an execution that run: each loop turn, branch and part of a `try` is a frame of its own."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, JsonValue, SkipValidation

from dag.errors import ErrorValue, PerdureError
from dag.limits import DEFAULTS
from dag.plan import PlanGraph, PlanNode
from interpreter.compensation import Due
from interpreter.constructs.dispatch import State
from interpreter.constructs.steps import Open
from interpreter.frontier import Frontier, Standing
from interpreter.job import Computed

Construct = Annotated[State, Field(discriminator="kind")]


@dataclass(frozen=True)
class Wait:
    """A started node that waits for a time."""

    until: float
    call: Computed | None = None
    """The config of an activity whose next attempt this is."""
    attempts: int = 0
    ends: Literal["wait", "turn", "timeout", "grace"] = "wait"
    """What the time ends: the wait, a turn of a node that lasts, such a node, or what it still runs when cancelled."""

    @property
    def is_delay(self) -> bool:
        """Whether people see that the node waits."""
        return self.ends == "wait" and self.call is None


@dataclass
class Held:
    """A running node that lasts: with graphs inside, or waiting for what comes from outside."""

    state: Construct
    slots: int
    """The number of the first of its slots."""
    size: int
    """How many it has."""
    blocks: dict[int, list[Due]] = field(default_factory=dict[int, list[Due]])
    """What its turns or branches have to undo, where they run at once."""
    alarm: float | None = None
    """When it wants to be told that time has passed."""
    timed_out: bool = False


@dataclass
class FrameState:
    """Where one graph stands. Node runs have numbers that no others of the strand have: `base`, and on from there."""

    base: int
    standing: Standing
    holder: int | None = None
    """The number of the node run that holds it. None: the document's own graph."""
    part: str = ""
    turn: int | None = None
    slot: int = 0
    """The number that its output is kept by."""
    shielded: bool = False
    names: SkipValidation[dict[str, JsonValue]] = field(default_factory=dict[str, JsonValue])
    begun: bool = False
    """Whether the variables have their first values."""
    vars: SkipValidation[dict[str, JsonValue]] = field(default_factory=dict[str, JsonValue])
    errors: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    waits: dict[int, Wait] = field(default_factory=dict[int, Wait])
    deadlines: dict[int, float] = field(default_factory=dict[int, float])
    held: dict[int, Held] = field(default_factory=dict[int, Held])
    error: ErrorValue | None = None
    """Why it failed before its nodes had their turn, or after."""
    due: list[Due] | None = None
    """What it has to undo. None: its part is in the list of the graph around it."""


class Frame:
    """A graph that runs. Nodes go by their place in it."""

    def __init__(self, at: FrameState, graph: PlanGraph, parent: "Frame | None", *, fail_fast: bool):
        self.at = at
        self.graph = graph
        self.size = len(graph.nodes)
        """How many nodes it has; also the place of the graph itself, where something is computed for it as a whole."""
        self.parent = parent
        self.frontier = Frontier(graph, at.standing, fail_fast=fail_fast)
        self.children: dict[int, list[Frame]] = {}
        """By the node that holds them, in the order in which they started."""
        self.prefix = "" if parent is None else f"{parent.path(self.holder)}{_step(at)}."
        self.queued = False
        """Whether it is among those that are asked for a node to start."""
        self.closing = False
        """Whether all its nodes have settled, and it is to be dealt with."""
        self.finishing = False
        """Whether its output is being computed."""

    @property
    def holder(self) -> int:
        """The place of the node that holds it."""
        assert self.parent is not None
        assert self.at.holder is not None
        return self.at.holder - self.parent.at.base

    @property
    def itself(self) -> int:
        """The number that what is computed for the graph as a whole goes by."""
        return self.at.base + self.size

    def node(self, place: int) -> PlanNode:
        """A node as it is planned."""
        return self.graph.nodes[place]

    def path(self, place: int) -> str:
        """The path of a node."""
        return self.prefix + self.graph.nodes[place].id if self.prefix else self.graph.nodes[place].id

    def waiting(self) -> Iterator[int]:
        """The nodes that people see waiting."""
        yield from (place for place, wait in self.at.waits.items() if wait.is_delay)
        yield from (place for place in self.at.held if self.at.standing.status[place] == "waiting")

    def outward(self) -> "Iterator[Frame]":
        """This frame, then those around it."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent

    def is_inside(self, frame: "Frame", place: int) -> bool:
        """Whether it is inside a node."""
        holder = frame.at.base + place
        return any(one.at.holder == holder for one in self.outward())

    def declarer(self, variable: str) -> "Frame":
        """The nearest frame that declares a variable."""
        return next(frame for frame in self.outward() if variable in frame.declared)

    @property
    def declared(self) -> Mapping[str, JsonValue]:
        """The variables that the graph declares."""
        declared = None if self.graph.vars is None else self.graph.vars.value
        return declared if isinstance(declared, dict) else {}

    def variables(self) -> dict[str, JsonValue]:
        """All that are seen from here, the nearest of each name."""
        if self.parent is None:
            return dict(self.at.vars)
        seen = self.parent.variables()
        if self.at.begun and (declared := self.declared):  # before, its own have no values yet
            seen = {name: value for name, value in seen.items() if name not in declared}
            seen.update(self.at.vars)
        return seen

    @property
    def due(self) -> list[Due]:
        """Where what this graph's nodes have done is noted, to be undone."""
        return next(frame.at.due for frame in self.outward() if frame.at.due is not None)


class TooManyGraphs(PerdureError):
    """Too many turns, branches and parts of `try` of the execution run at once; let fewer run beside each other."""

    code = "limit.graphs"


class Frames:
    """All that run, and whose turn it is to start a node: inner ones before those around them."""

    def __init__(
        self,
        root: PlanGraph,
        states: Sequence[FrameState],
        *,
        ready: Sequence[int],
        held_back: Sequence[int],
        counter: int,
        fast: bool,
    ):
        self._fast = fast
        self.counter = counter
        """The next number that nothing has yet."""
        self._by_base: dict[int, Frame] = {}
        self._at: dict[int, tuple[Frame, int]] = {}
        """What runs, by number: nodes that have started, and graphs themselves; with its frame and its place there."""
        self._ready: deque[Frame] = deque()
        self._held_back: deque[tuple[Frame, int]] = deque()
        """Activities that might not start when it was their turn."""
        holders: dict[int, Frame] = {}
        for state in states:
            parent = None if state.holder is None else holders[state.holder]
            if parent is None or state.holder is None:
                frame = self._add(Frame(state, root, None, fail_fast=fast))
            else:
                frame = self._add(Frame(state, _graph(parent, state.holder, state.part), parent, fail_fast=fast))
            holders.update((state.base + place, frame) for place in state.held)
            for place in (*state.waits, *state.held):
                self.note(frame, place)
        self.root = self._by_base[0]
        for base in ready:
            self.queue(self._by_base[base])
        if held_back:
            numbered = {frame.at.base + place: (frame, place) for frame in self.all() for place in range(frame.size)}
            self._held_back.extend(numbered[number] for number in held_back)

    @property
    def are_many(self) -> bool:
        """Whether there are as many as may be at once."""
        return len(self._by_base) >= DEFAULTS.graphs_at_once

    def all(self) -> Iterator[Frame]:
        """Every frame, an outer one before those inside it."""
        yield from self._by_base.values()

    def note(self, frame: Frame, place: int) -> None:
        """A node has started."""
        self._at[frame.at.base + place] = frame, place

    def forget(self, number: int) -> None:
        """A node has settled."""
        self._at.pop(number, None)

    def find(self, number: int) -> tuple[Frame, int] | None:
        """What runs under a number, unless it has ended."""
        return self._at.get(number)

    def states(self) -> list[FrameState]:
        """What they are carried over as."""
        for frame in self._by_base.values():
            frame.frontier.standing()
        return [frame.at for frame in self._by_base.values()]

    def ready(self) -> list[int]:
        """Those that have nodes to start, in their order."""
        return [frame.at.base for frame in self._ready if frame.at.base in self._by_base]

    def held_back(self) -> list[int]:
        """The activities that might not start when it was their turn, in that order."""
        return [
            frame.at.base + place
            for frame, place in self._held_back
            if frame.at.base in self._by_base and frame.at.standing.status[place] == "ready"
        ]

    def reserve(self, count: int) -> int:
        """The first of so many numbers in a row."""
        first = self.counter
        self.counter += count
        return first

    def open(self, parent: Frame, place: int, opened: Open, *, slot: int, due: list[Due] | None) -> Frame:
        """Begin a graph of a node's; it is not queued yet."""
        graph = parent.node(place).graphs[opened.part]
        state = FrameState(
            base=self.reserve(len(graph.nodes) + 1),
            standing=Standing.of(graph),
            holder=parent.at.base + place,
            part=opened.part,
            turn=opened.turn,
            slot=slot,
            shielded=opened.shielded,
            names=dict(opened.names),
            due=due,
        )
        return self._add(Frame(state, graph, parent, fail_fast=self._fast))

    def close(self, frame: Frame) -> None:
        """The graph has ended."""
        assert frame.parent is not None
        del self._by_base[frame.at.base]
        self.forget(frame.itself)
        siblings = frame.parent.children[frame.holder]
        siblings.remove(frame)
        if not siblings:
            del frame.parent.children[frame.holder]

    def queue(self, frame: Frame) -> None:
        """It has nodes to start, after those of the frames queued before."""
        if not frame.queued:
            frame.queued = True
            self._ready.append(frame)

    def queue_inside(self, frame: Frame, place: int, opened: Sequence[Frame]) -> None:
        """Graphs of a node's have begun: their nodes go after those of others inside it, and before those around."""
        first = next((n for n, one in enumerate(self._ready) if not one.is_inside(frame, place)), len(self._ready))
        for n, one in enumerate(opened, start=first):
            one.queued = True
            self._ready.insert(n, one)

    def take(self, *, calls: bool, holds: Callable[[Frame, int], bool] | None = None) -> tuple[Frame, int] | None:
        """The next node to start, now running, if one may. Without `calls`, activities are held back. Where it `holds`,
        nothing starts, and the same node is the next again."""
        while calls and self._held_back:
            frame, place = self._held_back[0]
            is_ready = frame.at.standing.status[place] == "ready" and frame.at.base in self._by_base
            if is_ready and holds is not None and holds(frame, place):
                return None
            self._held_back.popleft()
            if frame.frontier.start(place):
                return frame, place
        while self._ready:
            frame = self._ready[0]
            while (place := frame.frontier.next()) is not None:
                if not calls and frame.graph.nodes[place].call is not None:
                    self._held_back.append((frame, place))
                elif holds is not None and holds(frame, place):
                    frame.frontier.unread(place)
                    return None
                elif frame.frontier.start(place):
                    return frame, place
            self._ready.popleft()
            frame.queued = False
        return None

    def upcoming(self) -> Iterator[tuple[Frame, int]]:
        """What is ready, in the order in which it has its turn."""
        yield from ((frame, place) for frame, place in self._held_back if frame.at.standing.status[place] == "ready")
        for frame in self._ready:
            yield from ((frame, place) for place in frame.frontier.upcoming())

    def put_back(self, frame: Frame, place: int) -> None:
        """A node that was taken cannot start yet."""
        frame.frontier.put_back(place)
        self._held_back.appendleft((frame, place))

    def _add(self, frame: Frame) -> Frame:
        self._by_base[frame.at.base] = frame
        self.note(frame, len(frame.graph.nodes))
        if frame.parent is not None:
            frame.parent.children.setdefault(frame.holder, []).append(frame)
        return frame


def _graph(parent: Frame, holder: int, part: str) -> PlanGraph:
    return parent.node(holder - parent.at.base).graphs[part]


def _step(state: FrameState) -> str:
    """What a frame adds to the path of its holder."""
    return f".{state.part}" if state.turn is None else f"[{state.turn}]"
