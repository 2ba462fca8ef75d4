"""How node runs and graphs end, and all that follows from it: edges, joins, what is around them, what is cancelled."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

from dag.errors import ErrorValue, PerdureError
from dag.plan import PlanNode, Sees, Template
from interpreter.alarms import Alarms
from interpreter.compensation import Due, in_order
from interpreter.compute import Computed, Job, check_written
from interpreter.constructs import words
from interpreter.constructs.steps import Ask, Empty, End, Fail, Halt, Leave, Open, Read, Step, Yield
from interpreter.failures import causes, dumped, fitting
from interpreter.frames import Frame, Frames, Held, Wait
from interpreter.frontier import CANCELLED, FAILED, Changes, Ending, Settled
from interpreter.gathering import gathered
from interpreter.journal import Journal, Now, shown_text
from interpreter.orders import Cancel, Order
from interpreter.outputs import Outputs, OutputsTooLarge

GRACE = 600.0
"""Seconds that the `finally` parts of what was cancelled may take, of a whole execution all together."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to compute for a graph, or for a node with graphs inside."""

    frame: Frame
    place: int
    job: Job
    sees: Sees
    names: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    salt: str = ""


class Settling:
    """Settles nodes, and runs what is inside them. What it wants computed, and what is to be done outside, it leaves to
    the execution: nothing here waits."""

    def __init__(
        self,
        frames: Frames,
        alarms: Alarms,
        outputs: Outputs,
        journal: Journal,
        *,
        now: Now,
        orders: list[Order],
        fast: bool,
        grace_until: float | None,
    ):
        self._frames = frames
        self._alarms = alarms
        self._outputs = outputs
        self._journal = journal
        self._now = now
        self._orders = orders
        self._fast = fast
        self.grace_until = grace_until
        """How long what an ended execution still runs may take, all together."""
        self.wanted: deque[Wanted] = deque()
        self.closing: deque[Frame] = deque()
        """Graphs in which every node has settled."""
        self.calls: dict[int, Computed] = {}
        """What runs now, by node: kept for a second attempt."""
        self.promising: dict[int, Mapping[str, JsonValue]] = {}
        """Nodes whose end is known, while the config of their compensation is computed; with what is told of them."""

    def begin(self, frame: Frame) -> None:
        """Give a graph's variables their first values, then let its first nodes be ready."""
        if frame.graph.vars is None:
            self.begun(frame, {})
        else:
            self.wanted.append(Wanted(frame, len(frame.graph.nodes), Job("", frame.graph.vars), frame.graph.vars_see))

    def begun(self, frame: Frame, vars: Mapping[str, JsonValue]) -> None:
        """The variables have their first values."""
        frame.at.begun = True
        if frame.at.standing.ending is None:
            frame.at.vars = dict(vars)
            self._apply(frame, frame.frontier.begin())

    def succeed(self, frame: Frame, place: int, port: str | None, data: Mapping[str, JsonValue]) -> None:
        """A node has its output."""
        self._journal.say("node.succeeded", frame.path(place), {**data, "port": port})
        self.settle(frame, place, Settled("succeeded", port))

    def fail(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """A node has failed."""
        path = frame.path(place)
        error = fitting(error.at(frame.graph.nodes[place].id, path))
        how = FAILED if frame.frontier.is_cancelling(place) else frame.frontier.failure_of(place)
        frame.at.errors[place] = error
        self._journal.say("node.failed", path, {"error": dumped(error), "port": how.port})
        self.settle(frame, place, how)

    def cancelled(self, frame: Frame, place: int) -> None:
        """A node has stopped before it had an effect."""
        self._journal.say("node.cancelled", frame.path(place))
        self.settle(frame, place, CANCELLED)

    def settle(self, frame: Frame, place: int, how: Settled) -> None:
        """A node has ended."""
        number = frame.at.base + place
        self._frames.forget(number)
        self.calls.pop(number, None)
        frame.at.deadlines.pop(place, None)
        self._apply(frame, frame.frontier.settle(place, how))

    def end(self, frame: Frame, why: Ending) -> None:
        """End a graph before all its nodes had their turn; the first reason stays."""
        self._apply(frame, frame.frontier.end(why))
        if frame.finishing:
            self._close_soon(frame)

    def leave(self, frame: Frame, place: int) -> None:
        """End what is inside a node, but for what is to be done at the end."""
        held = frame.at.held[place]
        if held.state.leaving:
            return
        frame.at.waits.pop(place, None)
        if any(child.at.shielded for child in frame.children.get(place, ())):
            self._grant_grace(frame, place)
        self._do(frame, place, words.leave(held.state))

    def time_out(self, frame: Frame, place: int) -> None:
        """A node with graphs inside has taken longer than its timeout."""
        frame.at.held[place].timed_out = True
        self.leave(frame, place)

    def cut_off(self, frame: Frame, place: int) -> None:
        """What a node still runs after it was cancelled has taken too long."""
        for child in [*frame.children.get(place, ())]:
            self.end(child, "cancelled")

    def leave_turn(self, frame: Frame, *, breaks: bool) -> None:
        """A node in a frame ends the turn around it, and with `breaks` the loop."""
        turn = turn_around(frame)
        self.end(turn, "broken" if breaks else "continued")
        assert turn.parent is not None
        if breaks:
            self._do(turn.parent, turn.holder, words.break_off(turn.parent.at.held[turn.holder].state))

    def hold(self, frame: Frame, place: int, config: Mapping[str, JsonValue]) -> None:
        """Start a node with graphs inside."""
        node = frame.graph.nodes[place]
        state, size = words.begin(node, config)
        slots = self._frames.reserve(size)
        if "items" in config:
            try:
                self._outputs.put_value(slots, config["items"])
            except OutputsTooLarge as full:
                self.fail(frame, place, full.value())
                return
        frame.at.held[place] = Held(state, slots, size)
        if (deadline := frame.at.deadlines.get(place)) is not None:
            self._alarms.set(frame, place, Wait(deadline, ends="timeout"))
        self._do(frame, place, words.start(state, node, self._reader(slots)))

    def answered(self, frame: Frame, place: int, computed: Computed) -> None:
        """A condition of a node with graphs inside has been computed."""
        state, node, read = self._held(frame, place)
        if computed.kind == "fail":
            error = ErrorValue.model_validate(computed.value).at(node.id, frame.path(place))
            self._do(frame, place, words.unanswered(state, error, fast=self._fast))
        else:
            self._do(frame, place, words.answered(state, node, read, answer=computed.value is True))

    def close(self, frame: Frame) -> None:
        """Every node of an inner graph has settled: tell the node that holds it, or find the graph's output first."""
        frame.closing = False
        if (end := _end_of(frame)) is not None:
            self._ended(frame, end)
        elif frame.graph.output is not None:
            frame.finishing = True
            place = len(frame.graph.nodes)
            self.wanted.append(Wanted(frame, place, Job("", frame.graph.output), frame.graph.output_sees))
        else:
            self._ended_with(frame, ends_text(frame, self._outputs))

    def finished(self, frame: Frame, computed: Computed) -> None:
        """The output of an inner graph has been computed."""
        if computed.kind == "fail":
            self._ended(frame, End("failed", ErrorValue.model_validate(computed.value)))
        else:
            self._ended_with(frame, orjson.dumps(computed.value))

    def _ended_with(self, frame: Frame, output: bytes) -> None:
        try:
            check_written(output)
            self._outputs.put(frame.at.slot, output)
        except PerdureError as error:
            self._ended(frame, End("failed", error.value()))
        else:
            self._ended(frame, End("succeeded"))

    def _ended(self, frame: Frame, end: End) -> None:
        assert frame.parent is not None
        parent, place = frame.parent, frame.holder
        held = parent.at.held[place]
        if frame.at.due:
            held.blocks[frame.at.slot - held.slots] = frame.at.due
        for number in range(frame.at.base, frame.itself):
            self._outputs.drop(number)
        self._frames.close(frame)
        state, node, read = self._held(parent, place)
        steps = words.ended(
            state, node, read, frame.at.part, frame.at.turn, _located(end, parent, place), fast=self._fast
        )
        self._do(parent, place, steps)

    def _held(self, frame: Frame, place: int) -> tuple[words.State, PlanNode, Read]:
        held = frame.at.held[place]
        return held.state, frame.graph.nodes[place], self._reader(held.slots)

    def _reader(self, slots: int) -> Read:
        return lambda slot: self._outputs.value(slots + slot) if slots + slot in self._outputs else None

    def _do(self, frame: Frame, place: int, asked: Iterable[Step]) -> None:
        """Carry out what a node with graphs inside asks for."""
        held = frame.at.held[place]
        opened: list[Frame] = []
        for step in [*asked]:  # all of it, before anything that follows asks for more
            match step:
                case Open():
                    due: list[Due] | None = [] if words.is_concurrent(held.state) else None
                    opened.append(self._frames.open(frame, place, step, slot=held.slots + step.slot, due=due))
                    if step.shielded and held.state.leaving:
                        self._grant_grace(frame, place)
                case Halt():
                    for child in [*frame.children.get(place, ())]:
                        if not child.at.shielded:
                            self.end(child, "cancelled")
                case Ask(condition, names):
                    sees = frame.graph.nodes[place].sees
                    self.wanted.append(Wanted(frame, place, Job("?", Template(condition)), sees, names))
                case Empty(slot):
                    self._outputs.put_value(held.slots + slot, None)
                case Yield():
                    self._yield(frame, place, step)
                case Fail(error):
                    self._release(frame, place)
                    self.fail(frame, place, error)
                case Leave():
                    self._release(frame, place)
                    if held.timed_out and not frame.frontier.is_cancelling(place):
                        self.fail(frame, place, timed_out_node())
                    else:
                        self.cancelled(frame, place)
        for child in opened:
            self.begin(child)
        self._frames.queue_first(opened)

    def _yield(self, frame: Frame, place: int, asked: Yield) -> None:
        slots = frame.at.held[place].slots
        try:
            text = gathered(asked, [slots + slot for slot in asked.slots], self._outputs)
            self._release(frame, place)
            self._outputs.put(frame.at.base + place, text)
        except PerdureError as error:
            if place in frame.at.held:
                self._release(frame, place)
            self.fail(frame, place, error.value())
        else:
            self.succeed(frame, place, "out", shown_text("output", text))

    def _release(self, frame: Frame, place: int) -> None:
        """A node with graphs inside is over."""
        held = frame.at.held.pop(place)
        frame.at.waits.pop(place, None)
        frame.due.extend(in_order(held.blocks))
        for slot in range(held.slots, held.slots + held.size):
            self._outputs.drop(slot)

    def _grant_grace(self, frame: Frame, place: int) -> None:
        until = self._now.time + GRACE
        self._alarms.set(frame, place, Wait(min(until, self.grace_until or until), ends="grace"))

    def _apply(self, frame: Frame, changes: Changes) -> None:
        for place in changes.skipped:
            self._journal.say("node.skipped", frame.path(place))
        for join, failures in changes.unsatisfiable:
            self._record_unsatisfiable(frame, join, failures)
        for place in changes.cancel:
            self._cancel(frame, place)
        if frame.frontier.has_ready:
            self._frames.queue(frame)
        if frame.frontier.done and not frame.finishing:
            self._close_soon(frame)

    def _close_soon(self, frame: Frame) -> None:
        if not frame.closing:
            frame.closing = True
            self.closing.append(frame)

    def _cancel(self, frame: Frame, place: int) -> None:
        number = frame.at.base + place
        if place in frame.at.held:
            self.leave(frame, place)
        elif frame.at.waits.pop(place, None) is not None:
            self.cancelled(frame, place)
        elif number not in self.promising:
            self._orders.append(Cancel(number))

    def _record_unsatisfiable(self, frame: Frame, join: int, failures: Sequence[int]) -> None:
        node, path = frame.graph.nodes[join], frame.path(join)
        error = ErrorValue(
            code="join.unsatisfiable",
            message=f"Too few of the {len(frame.graph.incoming[join])} edges into this join can still succeed.",
            node=node.id,
            path=path,
            cause=causes([frame.at.errors[failure] for failure in failures if failure in frame.at.errors]),
        )
        frame.at.errors[join] = error
        port = frame.at.standing.port[join]
        self._journal.say("node.failed", path, {"error": dumped(error), "port": port})


def timed_out_node(cause: ErrorValue | None = None) -> ErrorValue:
    """The error of a node whose own timeout struck."""
    message = "The node took longer than its timeout, waits and retries included."
    return ErrorValue(code="timeout.node", message=message, cause=None if cause is None else causes([cause])[0])


def turn_around(frame: Frame) -> Frame:
    """The turn of the nearest loop that a frame is, or is in."""
    return next(around for around in frame.outward() if around.at.turn is not None)


def ends_text(frame: Frame, outputs: Outputs) -> bytes:
    """What the end nodes of a graph yield, as JSON text."""
    succeeded = [place for place in frame.graph.ends if frame.at.standing.status[place] == "succeeded"]
    base = frame.at.base
    if len(frame.graph.ends) == 1:
        return outputs.text(base + succeeded[0]) if succeeded else b"null"
    if not frame.graph.ends:
        return b"null"
    pairs = (orjson.dumps(frame.graph.nodes[place].id) + b":" + outputs.text(base + place) for place in succeeded)
    return b"{" + b",".join(pairs) + b"}"


def _end_of(frame: Frame) -> End | None:
    """How an inner graph has ended; None when it has succeeded, but for its output."""
    standing = frame.at.standing
    if standing.ending in ("broken", "continued"):
        return End(standing.ending)
    if standing.ending in ("cancelled", "timed_out", "stopped"):
        return End("cancelled")
    if frame.at.error is not None:
        return End("failed", frame.at.error)
    return None if standing.failed is None else End("failed", frame.at.errors[standing.failed])


def _located(end: End, frame: Frame, place: int) -> End:
    """Errors that no node raised arose in the graph as a whole, and so in the node that holds it."""
    if end.error is None:
        return end
    return End(end.how, fitting(end.error.at(frame.graph.nodes[place].id, frame.path(place))))
