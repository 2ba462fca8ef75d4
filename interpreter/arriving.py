"""What comes to an execution from outside by signal: events, and how its children and the batches of its loops ended.

Each goes to the node that waits for it. What comes too early is kept: a death of the worker can keep history from
having heard of the node, though what the node began has ended already."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import orjson

from dag.batches import BatchEnd
from dag.event_messages import EmittedEvent
from dag.sub_workflows import ChildEnd
from interpreter.constructs import batches, calling, event_wait
from interpreter.constructs.batches import Batched
from interpreter.constructs.calling import Calling
from interpreter.constructs.dispatch import State
from interpreter.constructs.event_wait import EventWait
from interpreter.constructs.steps import Step
from interpreter.frames import Frame, Frames
from interpreter.outputs import Outputs, OutputsTooLarge

MOST_EARLY = 1_000
"""Of each kind that are kept. Events sent by the API are stored as well, and there is no bound."""

Do = Callable[[Frame, int, Iterable[Step]], None]


@dataclass
class Early:
    """What has come for nodes that have not started; carried over continue-as-new."""

    events: list[EmittedEvent] = field(default_factory=list[EmittedEvent])
    reports: dict[str, ChildEnd] = field(default_factory=dict[str, ChildEnd])
    """By the paths of the nodes."""
    batches: list[BatchEnd] = field(default_factory=list[BatchEnd])


class Arriving:
    """Knows who waits for what."""

    def __init__(self, frames: Frames, outputs: Outputs, early: Early, do: Do, *, fast: bool):
        self._frames = frames
        self._outputs = outputs
        self._early = early
        self._do = do
        self._fast = fast
        self._awaiting: dict[str, int] = {
            held.state.path: frame.at.base + place
            for frame in frames.all()
            for place, held in frame.at.held.items()
            if isinstance(held.state, Calling | Batched)
        }
        """Nodes with children or batches, by their paths."""

    def begin(self, frame: Frame, place: int, state: State) -> None:
        """A node starts that may wait for what has come already."""
        match state:
            case EventWait():
                self._early.events[:] = event_wait.look_back(state, self._early.events)
            case Calling():
                self._awaiting[state.path] = frame.at.base + place
                state.end = self._early.reports.pop(state.path, None)
            case Batched():
                self._awaiting[state.path] = frame.at.base + place
                mine = [end for end in self._early.batches if end.batch.path == state.path]
                self._early.batches[:] = [end for end in self._early.batches if end.batch.path != state.path]
                state.early = {end.batch.number: end for end in mine}
            case _:
                pass

    @property
    def awaits(self) -> bool:
        """Whether nodes have children or batches that have not ended."""
        return bool(self._awaiting)

    def end(self, state: State) -> None:
        """A node is over."""
        if isinstance(state, Calling | Batched):
            del self._awaiting[state.path]

    def event(self, event: EmittedEvent, *, after: int = -1) -> None:
        """Show an event to the node that has waited longest for one like it, of those that began after another one. It
        is kept for waits to come where there is none."""
        waiting = [
            (held.slots, frame, place)
            for frame in self._frames.all()
            for place, held in frame.at.held.items()
            if isinstance(held.state, EventWait) and held.slots > after and event_wait.fits(held.state, event)
        ]
        early = self._early.events
        if waiting:
            _, frame, place = min(waiting, key=lambda one: one[0])
            state = frame.at.held[place].state
            assert isinstance(state, EventWait)
            self._do(frame, place, event_wait.came(state, frame.graph.nodes[place], event))
        elif all(event.id != one.id for one in early):
            early.append(event)
            del early[:-MOST_EARLY]

    def child_ended(self, end: ChildEnd) -> None:
        """Tell a node how its child ended."""
        found = self._frames.find(self._awaiting.get(end.path, -1))
        if found is None:
            reports = self._early.reports
            reports[end.path] = end
            while len(reports) > MOST_EARLY:
                del reports[next(iter(reports))]
        else:
            frame, place = found
            state = frame.at.held[place].state
            assert isinstance(state, Calling)
            self._do(frame, place, calling.reported(state, end))

    def batch_ended(self, end: BatchEnd) -> None:
        """Tell a loop how a batch of it ended: that it has failed, when its outputs find no room."""
        if end.outputs and not self._outputs.has_room(len(orjson.dumps(end.outputs))):
            end = replace(end, how="failed", error=OutputsTooLarge().value(), outputs={}, turns={})
        found = self._frames.find(self._awaiting.get(end.batch.path, -1))
        if found is None:
            if end.how not in ("breaking", "failing"):  # of these it will be told once more, when all is over
                self._early.batches.append(end)
            del self._early.batches[:-MOST_EARLY]
        else:
            frame, place = found
            state = frame.at.held[place].state
            assert isinstance(state, Batched)
            self._do(frame, place, batches.reported(state, end, fast=self._fast))
