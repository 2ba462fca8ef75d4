"""Reads a workflow document as the reference evaluator needs it: nodes, edges, and branches by their definition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Document = Mapping[str, Any]
ACTIVITIES = ("test.step", "test.read")
"""The activity types of the tests: with effects and without."""
LOOPS = ("for_each", "while", "repeat")
CONSTRUCTS = (*LOOPS, "parallel", "try")
"""What holds graphs."""


@dataclass(frozen=True)
class Edge:
    """From a port of one node into another node."""

    source: str
    port: str
    target: str


@dataclass(frozen=True)
class Node:
    """One step as it is written."""

    id: str
    type: str
    needs: tuple[Edge, ...]
    first: int | None
    """How many live edges its join waits for; None: for every edge to settle."""
    cancels_rest: bool
    when: str | None
    continues: bool
    timeout: float | None
    config: Mapping[str, Any]
    compensate: Mapping[str, Any] | None


@dataclass(frozen=True)
class Graph:
    """The nodes in written order, and the graph as written."""

    nodes: Mapping[str, Node]
    written: Document

    @cached_property
    def leaving(self) -> Mapping[str, list[Edge]]:
        """The edges that lead away from each node."""
        edges = [edge for node in self.nodes.values() for edge in node.needs]
        return {name: [edge for edge in edges if edge.source == name] for name in self.nodes}

    @cached_property
    def in_order(self) -> list[Node]:
        """The nodes, each behind all that it needs; where that leaves a choice, in written order."""
        found: list[Node] = []
        while len(found) < len(self.nodes):
            done = {node.id for node in found}
            free = (node for node in self.nodes.values() if node.id not in done)
            found.append(next(node for node in free if done.issuperset(edge.source for edge in node.needs)))
        return found

    @cached_property
    def downstream(self) -> Mapping[str, set[str]]:
        """For each node, whatever lies behind it by any path."""
        return {name: set(self._behind(name)) for name in self.nodes}

    @cached_property
    def branches(self) -> Mapping[Edge, set[str]]:
        """For each edge into an any/count join, the nodes all of whose paths take that very edge."""
        into_joins = [edge for node in self.nodes.values() if node.first is not None for edge in node.needs]
        return {edge: {name for name in self.nodes if self._always_takes(name, edge)} for edge in into_joins}

    def innermost_branch(self, node: str) -> Edge | None:
        """Of the branches that a node is in, the one that its paths take first."""
        return next((edge for edge in self._some_path(node) if node in self.branches.get(edge, ())), None)

    def is_wired(self, node: str, port: str) -> bool:
        return any(edge.port == port for edge in self.leaving[node])

    @property
    def ends(self) -> list[str]:
        """Nodes of which nothing, or only `error`, is needed."""
        return [
            node.id
            for node in self.nodes.values()
            if node.type not in {"stop", "fail", "break", "continue"}
            and all(edge.port == "error" for edge in self.leaving[node.id])
        ]

    def _behind(self, node: str) -> Iterator[str]:
        for edge in self.leaving[node]:
            yield edge.target
            yield from self._behind(edge.target)

    def _always_takes(self, node: str, edge: Edge) -> bool:
        onward = self.leaving[node]
        return bool(onward) and all(step == edge or self._always_takes(step.target, edge) for step in onward)

    def _some_path(self, node: str) -> Iterator[Edge]:
        while onward := self.leaving[node]:
            yield onward[0]
            node = onward[0].target


def read(written: Document) -> Graph:
    """The graph of a document, or one within it."""
    return Graph({name: _node(name, node) for name, node in written["nodes"].items()}, written)


def seconds(duration: str) -> float:
    """A duration, of those that the tests write."""
    if duration.endswith("ms"):
        return int(duration[:-2]) / 1000
    return float(duration[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[duration[-1]]


def _node(name: str, written: Mapping[str, Any]) -> Node:
    needs = [need.partition(".") for need in written.get("needs", [])]
    join: Any = written.get("join", "all")
    rest = "cancel"
    if isinstance(join, dict):
        rest = join.get("rest", "cancel")
        join = join.get("count", 1)
    return Node(
        id=name,
        type=written["type"],
        needs=tuple(Edge(source, port or "out", name) for source, _, port in needs),
        first={"all": None, "any": 1}.get(join, join),
        cancels_rest=join != "all" and rest == "cancel",
        when=written.get("when"),
        continues=written.get("on_error") == "continue",
        timeout=seconds(written["timeout"]) if "timeout" in written else None,
        config=written.get("config", {}),
        compensate=written.get("compensate"),
    )
