"""How node runs and graphs end, and all that follows from it: edges, joins, what is around them, what is cancelled."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.plan import Sees
from interpreter.compensation import Due
from interpreter.constructs.steps import End
from interpreter.failures import causes, dumped, fitting
from interpreter.frames import Frame, Frames
from interpreter.frontier import CANCELLED, FAILED, SKIPPED, Changes, Ending, Settled
from interpreter.job import Computed, Job, error_of
from interpreter.journal import Journal
from interpreter.orders import Cancel, Order
from interpreter.outputs import Outputs
from interpreter.reusable import Remember
from interpreter.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to compute for a graph, or for a node with graphs inside."""

    frame: Frame
    place: int
    job: Job
    sees: Sees
    names: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


class Settling:
    """Settles nodes. What it wants computed, and what is to be done outside, it leaves to the execution: nothing here
    waits."""

    def __init__(
        self,
        frames: Frames,
        outputs: Outputs,
        journal: Journal,
        orders: list[Order],
        *,
        rounds: Rounds,
        remember: Remember | None,
    ):
        self._frames = frames
        self._outputs = outputs
        self._journal = journal
        self._orders = orders
        self._rounds = rounds
        self._remember = remember
        self.wanted: deque[Wanted] = deque()
        self.leaving: deque[tuple[Frame, int]] = deque()
        """Nodes that last, and were asked to stop."""
        self.closing: deque[Frame] = deque()
        """Graphs in which every node has settled."""
        self.calls: dict[int, Computed] = {}
        """What runs now, by node: kept for a second attempt."""
        self.failures: dict[int, ErrorValue] = {}
        """Of nodes that have failed, while what follows from it is held."""
        self.skipping: list[int] = []
        """Nodes that are asked to stop by who skips them."""
        self.holds_failure: Callable[[Frame, int, ErrorValue], bool] | None = None
        """Whether what follows from a failure is held."""
        self.promising: dict[int, Mapping[str, JsonValue]] = {}
        """Nodes whose end is known, while the config of their compensation is computed; with what is told of them."""

    def begin(self, frame: Frame) -> None:
        """Give a graph's variables their first values, then let its first nodes be ready."""
        if frame.graph.vars is None:
            self.begun(frame, {})
        else:
            self.wanted.append(Wanted(frame, frame.size, Job("", frame.graph.vars), frame.graph.vars_see))

    def begun(self, frame: Frame, vars: Mapping[str, JsonValue]) -> None:
        """The variables have their first values."""
        frame.at.begun = True
        if frame.at.standing.ending is None:
            frame.at.vars = dict(vars)
            self._apply(frame, frame.frontier.begin())

    def succeed(self, frame: Frame, place: int, port: str | None, data: Mapping[str, JsonValue]) -> None:
        """A node has its output."""
        self._journal.say("node.succeeded", frame.path(place), {**data, "port": port})
        if self._remember is not None:
            text = self._outputs.text(frame.at.base + place)
            self._remember.succeeded(frame.path(place), frame.graph.nodes[place].type, port, text)
        self.settle(frame, place, Settled("succeeded", port))

    def fail(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """A node has failed."""
        error = fitting(error.at(frame.graph.nodes[place].id, frame.path(place)))
        holds = None if frame.frontier.is_cancelling(place) else self.holds_failure
        if holds is None or not holds(frame, place, error):
            self.failed(frame, place, error)

    def failed(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """A node has failed, and nothing holds what follows."""
        path = frame.path(place)
        how = FAILED if frame.frontier.is_cancelling(place) else frame.frontier.failure_of(place)
        frame.at.errors[place] = error
        self._journal.say("node.failed", path, {"error": dumped(error), "port": how.port})
        self.settle(frame, place, how)

    def cancelled(self, frame: Frame, place: int) -> None:
        """A node has stopped before it had an effect."""
        is_skipped = frame.at.base + place in self.skipping
        if not is_skipped:  # of those that are skipped the frontier tells
            self._journal.say("node.cancelled", frame.path(place))
        self.settle(frame, place, SKIPPED if is_skipped else CANCELLED)

    def settle(self, frame: Frame, place: int, how: Settled) -> None:
        """A node has ended."""
        number = frame.at.base + place
        self._frames.forget(number)
        self.calls.pop(number, None)
        if number in self.skipping:
            self.skipping.remove(number)
        frame.at.deadlines.pop(place, None)
        self._apply(frame, frame.frontier.settle(place, how))

    def clear(self, frame: Frame, place: int) -> None:
        """Skip a node that has not started; one that has is asked to stop."""
        self._apply(frame, frame.frontier.clear(place))

    def end(self, frame: Frame, why: Ending) -> None:
        """End a graph before all its nodes had their turn; the first reason stays."""
        self._apply(frame, frame.frontier.end(why))
        if frame.finishing:
            self.close_soon(frame)

    def promise(self, frame: Frame, place: int, data: Mapping[str, JsonValue]) -> None:
        """A node has had its effect, or may have: compute the config of what undoes it while what it sees is known."""
        number = frame.at.base + place
        self.promising[number] = data
        compensate = frame.graph.nodes[place].compensate
        assert compensate is not None
        names = {"output": self._outputs.value(number)} if number in self._outputs else {}
        self.wanted.append(Wanted(frame, place, Job("compensate", compensate.config), compensate.sees, names))

    def promised(self, frame: Frame, place: int, computed: Computed) -> None:
        """What undoes a node is known, and it can end now; what could not be computed fails in its turn."""
        data = self.promising.pop(frame.at.base + place)
        node = frame.graph.nodes[place]
        assert node.compensate is not None
        due = Due(
            frame.path(place),
            node.compensate.type,
            node.compensate.call,
            node.compensate.timeout,
            config=None if computed.kind == "fail" else computed.value,
            secrets=computed.secrets,
            error=error_of(computed) if computed.kind == "fail" else None,
            title=node.title,
            round=self._rounds.of(frame.path(place)),
        )
        frame.due.append(due)
        if self._remember is not None:
            self._remember.owes(due)
        if "error" in data:
            self.fail(frame, place, ErrorValue.model_validate(data["error"]))
        else:
            self.succeed(frame, place, "out", data)

    def remembered(self, due: list[Due]) -> list[Due]:
        """What others have done that is to be undone."""
        if self._remember is not None:
            for each in due:
                self._remember.owes(each)
        return due

    def doubt(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """A node has failed without a word of whether it had its effect."""
        if frame.frontier.is_cancelling(place) and frame.graph.nodes[place].compensate is not None:
            self.promise(frame, place, {"error": dumped(error)})
        else:
            self.fail(frame, place, error)

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
            self.close_soon(frame)

    def close_soon(self, frame: Frame) -> None:
        """Every node of a graph has settled: it is to be dealt with."""
        if not frame.closing:
            frame.closing = True
            self.closing.append(frame)

    def _cancel(self, frame: Frame, place: int) -> None:
        number = frame.at.base + place
        if place in frame.at.held:
            self.leaving.append((frame, place))
        elif frame.at.waits.pop(place, None) is not None:
            self.cancelled(frame, place)
        elif (error := self.failures.pop(number, None)) is not None:
            self._stop_failing(frame, place, error)
        elif number not in self.promising:
            self._orders.append(Cancel(number))

    def _stop_failing(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """A node whose failure is held is not to have its consequences any more."""
        if frame.at.base + place in self.skipping:
            self.cancelled(frame, place)
        else:
            self.failed(frame, place, error)

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


def end_of(frame: Frame) -> End | None:
    """How an inner graph has ended; None when it has succeeded, but for its output."""
    standing = frame.at.standing
    if standing.ending in ("broken", "continued"):
        return End(standing.ending)
    if standing.ending in ("cancelled", "timed_out", "stopped"):
        return End("cancelled")
    if frame.at.error is not None:
        return End("failed", frame.at.error)
    return None if standing.failed is None else End("failed", frame.at.errors[standing.failed])


def located(end: End, frame: Frame, place: int) -> End:
    """Errors that no node raised arose in the graph as a whole, and so in the node that holds it."""
    if end.error is None:
        return end
    return End(end.how, fitting(end.error.at(frame.graph.nodes[place].id, frame.path(place))))
