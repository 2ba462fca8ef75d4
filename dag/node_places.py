"""Where the nodes of a plan are: a place is a path without the numbers of turns, the same for all runs of a node."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dag.plan import Edge, Plan, PlanGraph, PlanNode

LOOPS = frozenset({"for_each", "while", "repeat"})
_TURNS = re.compile(r"(?<!\.catch)\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Placed:
    """A node of a plan."""

    place: str
    node: PlanNode
    inside: str | None
    """The place of the node whose graph it is in; None: the document's own."""
    part: str | None
    """Which of that node's graphs: `body`, a branch's name, `catch[0]`, `finally`."""


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """An edge of a plan."""

    source: str
    port: str
    target: str


def place(path: str) -> str:
    """The place of a node run; the database says the same of what it stores."""
    return _TURNS.sub("", path)


def nodes(plan: Plan) -> Iterator[Placed]:
    """Every node, those around before those inside."""
    for graph in _graphs(plan):
        for node in graph.graph.nodes:
            yield Placed(graph.prefix + node.id, node, graph.inside, graph.part)


def edges(plan: Plan) -> Iterator[PlacedEdge]:
    """Every edge."""
    for graph in _graphs(plan):
        ids = [graph.prefix + node.id for node in graph.graph.nodes]
        yield from (_placed(edge, ids) for edge in graph.graph.edges)


def is_inside(placed: Placed, around: str) -> bool:
    """Whether a node stands directly in a graph of another one, or in one of its parts; empty: in the document's."""
    if placed.inside is None:
        return not around
    return around in (placed.inside, f"{placed.inside}.{placed.part}")


@dataclass(frozen=True, slots=True)
class _Graph:
    graph: PlanGraph
    prefix: str
    inside: str | None
    part: str | None


def _graphs(plan: Plan) -> Iterator[_Graph]:
    waiting = [_Graph(plan.graph, "", None, None)]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in reversed(graph.graph.nodes):
            place = graph.prefix + node.id
            waiting.extend(
                _Graph(inner, f"{place}." if node.type in LOOPS else f"{place}.{part}.", place, part)
                for part, inner in reversed([*node.graphs.items()])
            )


def _placed(edge: Edge, ids: list[str]) -> PlacedEdge:
    return PlacedEdge(ids[edge.source], edge.port, ids[edge.target])
