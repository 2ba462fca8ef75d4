"""Everything that is under way in an execution: graphs that run, the nodes in them, and what their texts see."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.reference.document import Document, Edge, Graph, Node, read
from tests.reference.expressions import MISSING, ExpressionFails, Scope, rendered
from tests.reference.failure import Failure
from tests.reference.outcome import Status
from tests.reference.script import Script
from tests.reference.world import World

Ended = Literal["failed", "stopped", "cancelled", "timed_out", "broken", "continued"]
"""Why a graph ended early."""


Wait = Callable[[], bool]
"""What a node that holds graphs waits for."""
Work = Generator[Wait, None, Any]
"""What such a node does. Comes to its output or a Failure; whatever it is when the node has been asked to stop."""


@dataclass(frozen=True)
class Due:
    """A compensation, should it come to that."""

    path: str
    config: Any
    """Or why there is none."""


@dataclass(frozen=True)
class Result:
    """What has become of a graph."""

    how: Literal["succeeded", "failed", "cancelled", "broken", "continued"]
    output: Any = None
    error: Failure | None = None


@dataclass(eq=False)
class Execution:
    """What its graphs share."""

    document: Document
    script: Script
    world: World
    called_off: "list[NodeRun]" = field(default_factory=list["NodeRun"])
    """Delays that were asked to stop."""
    graphs: "list[GraphRun]" = field(default_factory=list["GraphRun"])
    """All that ever ran, as they began."""
    output: Any = None
    """Of the `stop` that ended it."""
    configs: dict[str, Any] = field(default_factory=dict[str, Any])
    starts: int = 0
    is_overdue: bool = False
    """Its `finally` parts have had their time."""

    @property
    def fails_fast(self) -> bool:
        return self.document.get("settings", {}).get("fail", "fast") == "fast"


@dataclass(eq=False)
class NodeRun:
    """One run of a node."""

    node: Node
    graph: "GraphRun"
    status: Status = "pending"
    port: str | None = None
    output: Any = MISSING
    error: Failure | None = None
    asked_to_stop: bool = False
    timed_out: bool = False
    broken: bool = False
    """A `break` acts on this loop."""
    work: Work | None = None
    waits: Wait | None = None
    inside: "list[GraphRun]" = field(default_factory=list["GraphRun"])
    """The graphs that began in it."""
    blocks: dict[str, list[Due]] = field(default_factory=dict[str, list[Due]])
    """What is due of each graph in it, where these run at once."""

    @property
    def path(self) -> str:
        return f"{self.graph.path}.{self.node.id}" if self.graph.path else self.node.id

    @property
    def has_settled(self) -> bool:
        return self.status not in ("pending", "running")

    @property
    def is_stopping(self) -> bool:
        return self.asked_to_stop or self.timed_out

    def failure(self, code: str, causes: tuple[Failure, ...] = ()) -> Failure:
        return Failure(code, self.node.id, self.path, causes)


@dataclass(eq=False)
class GraphRun:
    """One run of a graph."""

    execution: Execution
    graph: Graph
    path: str
    holder: NodeRun | None
    names: Mapping[str, Any]
    """What loops and `catch` bind here, beyond what they bind around."""
    due: list[Due]
    is_shielded: bool = False
    nodes: dict[str, NodeRun] = field(default_factory=dict[str, NodeRun])
    vars: dict[str, Any] = field(default_factory=dict[str, Any])
    declared: frozenset[str] = frozenset()
    """The variables that hide those of the same name around, with or without a value."""
    queue: list[str] = field(default_factory=list[str])
    ready: set[str] = field(default_factory=set[str])
    """Nodes that will be queued once everything that follows from a settlement has been done."""
    decided: dict[str, Literal["run", "skip", "fail"]] = field(
        default_factory=dict[str, Literal["run", "skip", "fail"]]
    )
    failed_branches: list[tuple[Edge, Failure]] = field(default_factory=list[tuple[Edge, Failure]])
    """With the failure, in the order of time."""
    killed_edges: set[Edge] = field(default_factory=set[Edge])
    """Not live yet when their branch failed; nothing makes them live any more."""
    ended: Ended | None = None
    error: Failure | None = None
    order: list[str] = field(default_factory=list[str])

    @property
    def is_over(self) -> bool:
        return all(run.has_settled for run in self.nodes.values())

    def outward(self) -> "Iterator[GraphRun]":
        """This graph, then those around it."""
        yield self
        if self.holder is not None:
            yield from self.holder.graph.outward()

    def scope(self) -> Scope:
        """What the roots of an expression name here."""
        around = self.holder.graph.scope() if self.holder else {"input": self.execution.script.input}
        return {
            **around,
            **self.names,
            "vars": {
                **{name: entry for name, entry in around.get("vars", {}).items() if name not in self.declared},
                **self.vars,
            },
            "nodes": {**around.get("nodes", {}), **{name: _seen(run) for name, run in self.nodes.items()}},
        }

    def result(self) -> Result:
        """What has become of it, now that it is over."""
        assert self.is_over
        match self.ended:
            case None | "failed" if self.error is not None:
                return Result("failed", error=self.error)
            case None | "failed":
                try:
                    return Result("succeeded", self._output())
                except ExpressionFails as failure:
                    return Result("failed", error=self.failure(failure.code))
            case "broken" | "continued":
                return Result(self.ended)
            case _:
                return Result("cancelled")

    def failure(self, code: str) -> Failure:
        """An error of the graph itself arises at the node that holds it."""
        return self.holder.failure(code) if self.holder else Failure(code)

    def _output(self) -> Any:
        if "output" in self.graph.written:
            return rendered(self.graph.written["output"], self.scope())
        ends = {name: self.nodes[name] for name in self.graph.ends}
        outputs = {name: run.output for name, run in ends.items() if run.status == "succeeded"}
        if not ends:
            return None
        return next(iter(outputs.values()), None) if len(ends) == 1 else outputs


def begun(
    execution: Execution,
    written: Document,
    *,
    path: str = "",
    holder: NodeRun | None = None,
    names: Mapping[str, Any] | None = None,
    due: list[Due] | None = None,
) -> GraphRun:
    """A graph with its variables, before any of its nodes start."""
    around = holder.graph.due if holder else []
    graph = GraphRun(execution, read(written), path, holder, names or {}, around if due is None else due)
    assert all(path != each.path for each in execution.graphs), f"{path} ran already"
    execution.graphs.append(graph)
    scope = graph.scope()
    graph.nodes = {name: NodeRun(node, graph) for name, node in graph.graph.nodes.items()}
    try:
        graph.vars = rendered(dict(written.get("vars", {})), scope)
        graph.declared = frozenset(written.get("vars", {}))
    except ExpressionFails as failure:
        graph.error, graph.ended = graph.failure(failure.code), "failed"
        for run in graph.nodes.values():
            run.status = "skipped"
    else:
        graph.queue = [node.id for node in graph.graph.nodes.values() if not node.needs]
    return graph


def _seen(run: NodeRun) -> Mapping[str, Any]:
    seen: dict[str, Any] = {"status": run.status, "port": run.port}
    if run.output is not MISSING:
        seen["output"] = run.output
    if run.error is not None:
        seen["error"] = run.error.seen()
    return seen
