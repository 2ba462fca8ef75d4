"""Runs one graph as LANGUAGE says, in the plainest way: after each step everything is looked at anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.reference.data_nodes import COMPUTES
from tests.reference.document import ACTIVITIES, Document, Edge, Graph, Node, read, seconds
from tests.reference.expressions import MISSING, ExpressionFails, Scope, holds, rendered, value
from tests.reference.outcome import NodeOutcome, Outcome, Status, Step
from tests.reference.script import Acknowledges, Ending, Raises, Returns, Script
from tests.reference.world import Ends, Happening, World


def run(document: Document, script: Script, *, starts_before_pause: int | None = None) -> Outcome:
    """Runs a document to its end in the world of a script. After so many starts of activities no more start until those
    under way have ended: so an interpreter comes to a safe point."""
    return _Run(document, script, starts_before_pause).to_its_end()


@dataclass(frozen=True)
class _Error:
    code: str
    node: str | None
    causes: tuple[str, ...] = ()


@dataclass
class _NodeRun:
    status: Status = "pending"
    port: str | None = None
    output: Any = MISSING
    error: _Error | None = None
    asked_to_stop: bool = False


class _Run:
    def __init__(self, document: Document, script: Script, starts_before_pause: int | None):
        self.document = document
        self.settings: Mapping[str, Any] = document.get("settings", {})
        self.script = script
        self.graph: Graph = read(document)
        self.nodes = {name: _NodeRun() for name in self.graph.nodes}
        self.ranks = {name: rank for rank, name in enumerate(self.graph.nodes)}
        self.world = World(script, self.ranks)
        self.queue: list[str] = []
        self.ready: set[str] = set()
        """Nodes that will be queued once everything that follows from a settlement has been done."""
        self.called_off: list[str] = []
        """Delays that were asked to stop."""
        self.decided: dict[str, Literal["run", "skip", "fail"]] = {}
        self.failed_branches: list[tuple[Edge, str]] = []
        """With the node whose failure it was, in the order of time."""
        self.killed_edges: set[Edge] = set()
        """Not live yet when their branch failed; nothing makes them live any more."""
        self.ended: Literal["failed", "stopped", "cancelled", "timed_out"] | None = None
        self.error: _Error | None = None
        self.output: Any = None
        self.vars: dict[str, Any] = {}
        self.order: list[str] = []
        self.configs: dict[str, Any] = {}
        self.steps: list[Step] = []
        self.starts_before_pause = starts_before_pause
        self.starts = 0

    def to_its_end(self) -> Outcome:
        if "timeout" in self.settings:
            self.world.will_end("timed_out", at=seconds(self.settings["timeout"]))
        if self.script.cancel_at is not None:
            self.world.will_end("cancelled", at=self.script.cancel_at)
        self._begin()
        while not self._has_settled(self.nodes):
            happening = self.world.next()
            assert happening is not None, "something waits for what cannot come"
            self._step(happening)
        return self._outcome()

    # What happens

    def _begin(self) -> None:
        before = self._mark()
        try:
            self.vars = {
                name: rendered(written, self._scope()) for name, written in self.document.get("vars", {}).items()
            }
        except ExpressionFails as failure:
            self._fail_graph(_Error(failure.code, None), ended="failed")
        else:
            self.queue = [node.id for node in self.graph.nodes.values() if not node.needs]
            self._take_all()
        self._record(None, before)

    def _step(self, happening: Happening) -> None:
        before = self._mark()
        match happening:
            case Ends(why) if self.ended is None:
                self._end(why)
                self._call_off()
            case Ends():
                pass
            case _:
                self._ending(happening.node, happening.ending)
                self._take_all()
        self._record(happening, before)

    def _ending(self, node: str, ending: Ending) -> None:
        match ending:
            case Returns(output):
                self._settle(node, "succeeded", port="out", output=output)
            case Raises(code):
                self._fail(node, _Error(code, node))
            case Acknowledges():
                self._settle(node, "cancelled")

    def _take_all(self) -> None:
        self._take_what_may_be_taken()
        while self._pauses() and not any(self.nodes[name].status == "running" for name in self.configs):
            self.starts = 0
            self._take_what_may_be_taken()

    def _take_what_may_be_taken(self) -> None:
        while (name := next(filter(self._may_be_taken, self.queue), None)) is not None:
            self.queue.remove(name)
            self._take(self.graph.nodes[name])

    def _may_be_taken(self, node: str) -> bool:
        return self.graph.nodes[node].type not in ACTIVITIES or not self._pauses()

    def _pauses(self) -> bool:
        return self.starts_before_pause is not None and self.starts >= self.starts_before_pause

    def _take(self, node: Node) -> None:
        """A node whose join has let it through: `when` is asked, then it starts."""
        if node.type == "stop" and self.error is not None:
            return self._settle(node.id, "skipped")
        try:
            if node.when is not None and not holds(node.when, self._scope()):
                return self._settle(node.id, "skipped")
        except ExpressionFails as failure:
            self.order.append(node.id)
            return self._fail(node.id, _Error(failure.code, node.id))
        self.order.append(node.id)
        self.nodes[node.id].status = "running"
        try:
            self._start(node)
        except ExpressionFails as failure:
            self._fail(node.id, _Error(failure.code, node.id))

    def _start(self, node: Node) -> None:
        """A control node that need not wait runs to its end at once."""
        config, scope = node.config, self._scope()
        match node.type:
            case "if":
                self._settle(
                    node.id, "succeeded", port="true" if holds(config["condition"], scope) else "false", output=None
                )
            case "switch":
                port = _chosen_case(config, scope)
                if port == "default" and not self.graph.is_wired(node.id, "default"):
                    self._fail(node.id, _Error("switch.no_match", node.id))
                else:
                    self._settle(node.id, "succeeded", port=port, output=None)
            case "delay":
                self.world.start_delay(node.id, seconds(config["for"]), timeout=node.timeout)
            case "stop":
                output = rendered(config.get("output"), scope)
                self._settle(node.id, "succeeded", output=output)
                self.output = output
                self._end("stopped")
                self._call_off()
            case "fail":
                written = rendered(config, scope)
                self._fail(node.id, _Error(written["code"], node.id))
            case "set":
                values = COMPUTES["set"](config, scope)
                self.vars.update(values)
                self._settle(node.id, "succeeded", port="out", output=values)
            case computes if computes in COMPUTES:
                self._settle(node.id, "succeeded", port="out", output=COMPUTES[computes](config, scope))
            case _:
                self.configs[node.id] = rendered(config, scope)
                self.world.start_activity(node.id)
                self.starts += 1

    # How nodes settle, and what follows from it

    def _settle(
        self, node: str, status: Status, *, port: str | None = None, output: Any = MISSING, error: _Error | None = None
    ) -> None:
        self._note(node, status, port, output, error)
        self._follow()
        self._call_off()

    def _fail(self, node: str, error: _Error) -> None:
        self._settle(node, "failed", port=self._port_of_failure(node), error=error)

    def _port_of_failure(self, node: str) -> str | None:
        if self.nodes[node].asked_to_stop:
            return None
        if self.graph.is_wired(node, "error"):
            return "error"
        return "out" if self.graph.nodes[node].continues else None

    def _note(self, node: str, status: Status, port: str | None, output: Any, error: _Error | None) -> None:
        run = self.nodes[node]
        run.status, run.port, run.output, run.error = status, port, output, error
        if status == "failed" and port is None and not run.asked_to_stop:
            assert error is not None
            self._failure(node, error)

    def _failure(self, node: str, error: _Error) -> None:
        """A failure that nothing took: it fails the innermost branch, else the graph."""
        branch = self.graph.innermost_branch(node)
        if branch is not None:
            if self._edge(branch) != "live":
                self.killed_edges.add(branch)
            self.failed_branches.append((branch, node))
            self._cancel_or_skip(self.graph.branches[branch])
        elif self.settings.get("fail", "fast") == "fast":
            self._fail_graph(error, ended="failed")
        else:
            self._fail_graph(error, ended=None)
            self._skip(self.graph.downstream[node])

    def _fail_graph(self, error: _Error, *, ended: Literal["failed"] | None) -> None:
        self.error = self.error or error
        if ended:
            self._end(ended)

    def _end(self, why: Literal["failed", "stopped", "cancelled", "timed_out"]) -> None:
        self.ended = why
        self._cancel_or_skip(self.nodes)

    def _cancel_or_skip(self, nodes: Iterable[str]) -> None:
        for name in sorted(nodes, key=self.ranks.__getitem__):
            run = self.nodes[name]
            if run.status == "running" and not run.asked_to_stop:
                run.asked_to_stop = True
                if self.graph.nodes[name].type == "delay":
                    self.world.forget(name)
                    self.called_off.append(name)
                else:
                    self.world.ask_to_stop(name)
        self._skip(nodes)

    def _skip(self, nodes: Iterable[str]) -> None:
        for name in nodes:
            if self.nodes[name].status == "pending":
                self.nodes[name].status = "skipped"
                self.ready.discard(name)
        self.queue = [name for name in self.queue if self.nodes[name].status == "pending"]

    def _follow(self) -> None:
        """After a node has settled: everything that follows at once, then what has become ready, in written order.

        Live and dead paths are followed to their ends before a join that can no longer get enough is given up, and of
        several such joins the first in the order of running: so no failure is lost to a skip of the same moment."""
        while self._follow_paths() or self._give_up_a_join():
            pass
        self.queue += [name for name in self.graph.nodes if name in self.ready]
        self.ready.clear()

    def _follow_paths(self) -> bool:
        return any(self._look_at(node) for node in self.graph.nodes.values())

    def _give_up_a_join(self) -> bool:
        for node in self.graph.in_order:
            if self._is_open(node) and self._is_hopeless(node):
                self._decide(node, "fail" if self._failed_in_branches(node.id) else "skip")
                return True
        return False

    def _call_off(self) -> None:
        """Delays answer at once when they are asked to stop, one by one."""
        while self.called_off:
            self._settle(self.called_off.pop(0), "cancelled")

    def _look_at(self, node: Node) -> bool:
        """Decides a join if it can be, and lets it take effect if it may; says whether anything changed."""
        if self._is_open(node):
            decision = self._decision(node)
            if decision is not None:
                self._decide(node, decision)
            return decision is not None
        waits = self.nodes[node.id].status == "pending" and node.id in self.decided
        if not waits or node.id in {*self.queue, *self.ready} or not self._may_take_effect(node):
            return False
        match self.decided[node.id]:
            case "run":
                self.ready.add(node.id)
            case "skip":
                self.nodes[node.id].status = "skipped"
            case "fail":
                error = _Error("join.unsatisfiable", node.id, self._failed_in_branches(node.id))
                self._note(node.id, "failed", self._port_of_failure(node.id), MISSING, error)
        return True

    def _is_open(self, node: Node) -> bool:
        """Whether a join has still to be decided."""
        return bool(node.needs) and self.nodes[node.id].status == "pending" and node.id not in self.decided

    def _decision(self, node: Node) -> Literal["run", "skip"] | None:
        edges = [self._edge(edge) for edge in node.needs]
        if node.first is not None:
            return "run" if edges.count("live") >= node.first else None
        if "open" in edges:
            return None
        return "run" if "live" in edges else "skip"

    def _is_hopeless(self, node: Node) -> bool:
        """Whether fewer edges than it takes can still become live."""
        edges = [self._edge(edge) for edge in node.needs]
        return node.first is not None and edges.count("live") + edges.count("open") < node.first

    def _failed_in_branches(self, join: str) -> tuple[str, ...]:
        return tuple(node for edge, node in self.failed_branches if edge.target == join)

    def _decide(self, node: Node, decision: Literal["run", "skip", "fail"]) -> None:
        self.decided[node.id] = decision
        if node.cancels_rest:
            self._cancel_or_skip(self._rest(node))

    def _may_take_effect(self, node: Node) -> bool:
        return not node.cancels_rest or self._has_settled(self._rest(node))

    def _rest(self, node: Node) -> set[str]:
        return {name for edge in node.needs for name in self.graph.branches[edge]}

    def _edge(self, edge: Edge) -> Literal["live", "dead", "open"]:
        source = self.nodes[edge.source]
        if edge in self.killed_edges:
            return "dead"
        if source.status in ("pending", "running"):
            return "open"
        return "live" if source.port == edge.port else "dead"

    def _has_settled(self, nodes: Iterable[str]) -> bool:
        return all(self.nodes[name].status not in ("pending", "running") for name in nodes)

    # What is said of it

    def _scope(self) -> Scope:
        return {
            "input": self.script.input,
            "vars": dict(self.vars),
            "nodes": {name: _seen(run) for name, run in self.nodes.items()},
        }

    def _outcome(self) -> Outcome:
        status: Literal["succeeded", "failed", "cancelled", "timed_out"]
        output, error = None, self.error
        match self.ended:
            case "stopped":
                status, output = "succeeded", self.output
            case "cancelled":
                status, error = "cancelled", _Error("cancelled", None)
            case "timed_out":
                status, error = "timed_out", _Error("timeout.execution", None)
            case _:
                if error is None:
                    try:
                        output = self._output()
                    except ExpressionFails as failure:
                        error = _Error(failure.code, None)
                status = "failed" if error else "succeeded"
        return Outcome(
            status=status,
            output=output,
            code=error and error.code,
            culprit=error and error.node,
            causes=error.causes if error else (),
            nodes={
                name: NodeOutcome(run.status, run.port, run.output, run.error and run.error.code)
                for name, run in self.nodes.items()
            },
            order=tuple(self.order),
            configs=self.configs,
            steps=tuple(self.steps),
        )

    def _output(self) -> Any:
        if "output" in self.document:
            return rendered(self.document["output"], self._scope())
        ends = {name: self.nodes[name] for name in self.graph.ends}
        outputs = {name: run.output for name, run in ends.items() if run.status == "succeeded"}
        return next(iter(outputs.values()), None) if len(ends) == 1 else outputs if ends else None

    def _mark(self) -> tuple[int, set[str]]:
        return len(self.order), {name for name, run in self.nodes.items() if run.asked_to_stop}

    def _record(self, happening: Happening | None, before: tuple[int, set[str]]) -> None:
        started = tuple(name for name in self.order[before[0] :] if name in self.configs)
        asked = tuple(
            name
            for name, run in self.nodes.items()
            if run.asked_to_stop and name not in before[1] and name in self.configs
        )
        self.steps.append(Step(happening, started, asked))


def _chosen_case(config: Mapping[str, Any], scope: Scope) -> str:
    if "value" in config:
        found = value(config["value"], scope)
        for port, literals in config["cases"].items():
            for literal in literals if isinstance(literals, list) else [literals]:
                if type(literal) is type(found) and literal == found:
                    return port
    else:
        for port, condition in config["cases"].items():
            if holds(condition, scope):
                return port
    return "default"


def _seen(run: _NodeRun) -> dict[str, Any]:
    seen: dict[str, Any] = {"status": run.status, "port": run.port}
    if run.output is not MISSING:
        seen["output"] = run.output
    if run.error is not None:
        seen["error"] = {"code": run.error.code}
    return seen
