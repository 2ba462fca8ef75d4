"""Runs a document as LANGUAGE says, in the plainest way: after each step everything is looked at anew."""

from collections.abc import Iterator
from typing import Any, Literal

from tests.reference.document import ACTIVITIES, Document, seconds
from tests.reference.execution import Due, Execution, GraphRun, NodeRun, begun
from tests.reference.expressions import MISSING, ExpressionFails
from tests.reference.failure import Failure
from tests.reference.outcome import NodeOutcome, Outcome, Step
from tests.reference.script import Acknowledges, Ending, Raises, Returns, Script
from tests.reference.settling import end, fail, settle, stop_inside
from tests.reference.starting import go_on, take
from tests.reference.world import Ends, Happening, Settles, TimesOut, World

SHIELD = 600
"""Seconds that all `finally` parts together may take after a cancel or a timeout."""


def run(document: Document, script: Script, *, starts_before_pause: int | None = None) -> Outcome:
    """Runs a document to its end in the world of a script. After so many starts of activities no more start until those
    under way have ended: so an interpreter comes to a safe point."""
    return _Run(document, script, starts_before_pause).to_its_end()


class _Run:
    def __init__(self, document: Document, script: Script, starts_before_pause: int | None):
        self.document = document
        self.script = script
        self.world = World(script, document)
        self.execution = Execution(document, script, self.world)
        self.graph = begun(self.execution, document)
        self.starts_before_pause = starts_before_pause
        self.held: list[NodeRun] = []
        """Activities that wait for a pause to end."""
        self.steps: list[Step] = []
        self.has_ended = False
        self.status: Literal["succeeded", "failed", "cancelled", "timed_out"] = "succeeded"
        self.output: Any = None
        self.error: Failure | None = None
        self.due: list[Due] = []
        """Compensations that have still to run."""
        self.compensations: dict[str, NodeOutcome | None] = {}
        """None while it runs."""

    def to_its_end(self) -> Outcome:
        if "timeout" in self.document.get("settings", {}):
            self.world.will_end("timed_out", at=seconds(self.document["settings"]["timeout"]))
        if self.script.cancel_at is not None:
            self.world.will_end("cancelled", at=self.script.cancel_at)
        self._step(None)
        while not self.has_ended or self.due or None in self.compensations.values():
            happening = self.world.next()
            assert happening is not None, "something waits for what cannot come"
            self._step(happening)
        return self._outcome()

    # What happens

    def _step(self, happening: Happening | None) -> None:
        started, asked, settled = set(self.execution.configs), {*self._asked()}, {*self._settled()}
        match happening:
            case Ends(why):
                self._end(why)
            case TimesOut(path):
                self._find(path).timed_out = True
                stop_inside(self._find(path))
            case Settles(path, ending) if path in self.compensations:
                self.compensations[path] = _compensated(ending)
            case Settles(path, ending):
                _come_to(self._find(path), ending)
            case None:
                pass
        self._work()
        if self.graph.is_over:
            self._conclude()
            self._compensate()
        self.steps.append(
            Step(
                happening,
                tuple(path for path in self.execution.configs if path not in started),
                tuple(path for path in self._asked() if path not in asked),
                tuple(path for path in self._settled() if path not in settled),
            )
        )

    def _end(self, why: Literal["cancelled", "timed_out", "overdue"]) -> None:
        if why == "overdue":
            self.execution.is_overdue = True
            for graph in self.execution.graphs:
                if graph.is_shielded and not graph.is_over:
                    end(graph, "cancelled")
        elif self.graph.ended is None and not self.has_ended:
            end(self.graph, why)
            self.world.will_end("overdue", at=self.world.now + SHIELD)

    def _work(self) -> None:
        """Does one thing after another until nothing is left to do."""
        while self._one_thing() or self._resumes():
            pass

    def _one_thing(self) -> bool:
        """What ends comes first, one by one, then what starts; says whether there was anything."""
        return self._close(self.graph) or self._call_off() or self._let_go() or self._open(self.graph)

    def _close(self, graph: GraphRun) -> bool:
        """A node goes on that holds graphs, since what it waits for has come; the inner ones first."""
        for holder in _holders(graph):
            if any(self._close(inner) for inner in holder.inside):
                return True
            if holder.waits is not None and holder.waits():
                go_on(holder)
                return True
        return False

    def _call_off(self) -> bool:
        """Delays answer at once when they are asked to stop, one by one."""
        if self.execution.called_off:
            settle(self.execution.called_off.pop(0), "cancelled")
            return True
        return False

    def _open(self, graph: GraphRun) -> bool:
        """The next node starts; whatever is within a node before what is beside it."""
        for holder in _holders(graph):
            if any(self._open(inner) for inner in holder.inside):
                return True
        for name in graph.queue:
            run = graph.nodes[name]
            if not (self._pauses() and run.node.type in ACTIVITIES):
                graph.queue.remove(name)
                take(run)
                return True
            if run not in self.held:
                self.held.append(run)
        return False

    def _let_go(self) -> bool:
        """What a pause held back starts in the order in which its turn had come."""
        if self._pauses() or not self.held:
            return False
        run = self.held.pop(0)
        if run.node.id in run.graph.queue:
            run.graph.queue.remove(run.node.id)
            take(run)
        return True

    def _resumes(self) -> bool:
        pause_ends = self._pauses() and not self._is_busy()
        if pause_ends:
            self.execution.starts = 0
        return pause_ends

    def _pauses(self) -> bool:
        if self.starts_before_pause is None or self.graph.ended == "cancelled":  # there is no safe point after a cancel
            return False
        return self.execution.starts >= self.starts_before_pause

    def _is_busy(self) -> bool:
        return any(run.node.type in ACTIVITIES and run.status == "running" for run in self._runs())

    # After the end

    def _conclude(self) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        result = self.graph.result()
        match self.graph.ended:
            case "cancelled":
                self.status, self.error = "cancelled", Failure("cancelled")
            case "timed_out":
                self.status, self.error = "timed_out", Failure("timeout.execution")
            case "stopped":
                self.output = self.execution.output
            case _:
                self.status, self.error = "failed" if result.error else "succeeded", result.error
                self.output = result.output
        self.due = [] if self.status == "succeeded" else list(reversed(self.graph.due))

    def _compensate(self) -> None:
        """One at a time."""
        while self.due and None not in self.compensations.values():
            due = self.due.pop(0)
            if isinstance(due.config, ExpressionFails):
                self.compensations[due.path] = NodeOutcome("failed", None, MISSING, due.config.code)
            else:
                self.compensations[due.path] = None
                self.execution.configs[due.path] = due.config
                self.world.start_activity(due.path)

    # What is said of it

    def _runs(self) -> Iterator[NodeRun]:
        for graph in self.execution.graphs:
            yield from graph.nodes.values()

    def _find(self, path: str) -> NodeRun:
        return next(run for run in self._runs() if run.path == path)

    def _asked(self) -> list[str]:
        return [run.path for run in self._runs() if run.asked_to_stop and run.path in self.execution.configs]

    def _settled(self) -> Iterator[str]:
        yield from (run.path for run in self._runs() if run.status not in ("pending", "running"))
        yield from (path for path, how in self.compensations.items() if how is not None)

    def _outcome(self) -> Outcome:
        nodes = {
            run.path: NodeOutcome(run.status, run.port, run.output, run.error and run.error.code)
            for run in self._runs()
        }
        compensations = {path: how for path, how in self.compensations.items() if how is not None}
        failed = any(how.status == "failed" for how in compensations.values())
        return Outcome(
            status=self.status,
            output=self.output,
            error=self.error,
            nodes={**nodes, **compensations},
            order={graph.path: tuple(graph.order) for graph in self.execution.graphs if graph.order},
            configs=self.execution.configs,
            compensation=("failed" if failed else "done") if compensations else "none",
            compensated=tuple(compensations),
            steps=tuple(self.steps),
        )


def _holders(graph: GraphRun) -> list[NodeRun]:
    return [run for run in graph.nodes.values() if run.status == "running" and run.work is not None]


def _come_to(run: NodeRun, ending: Ending) -> None:
    match ending:
        case Returns(output):
            settle(run, "succeeded", port="out", output=output)
        case Raises(code):
            fail(run, run.failure(code))
        case Acknowledges():
            settle(run, "cancelled")


def _compensated(ending: Ending) -> NodeOutcome:
    match ending:
        case Returns(output):
            return NodeOutcome("succeeded", "out", output, None)
        case Raises(code):
            return NodeOutcome("failed", None, MISSING, code)
        case Acknowledges():
            raise AssertionError("nobody asks a compensation to stop")
