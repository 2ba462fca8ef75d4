"""A graph with its edges read: nodes by number, in written order, and what leads where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dag.plan import Edge
from dag.scope import Graph
from dag.wiring.components import components
from dag.wiring.upstream import upstream


@dataclass(frozen=True)
class Wired:
    """The edges that lead somewhere, each once. What is wrong with the others is for the checks to say."""

    ids: Sequence[str]
    place: Mapping[str, int]
    edges: Sequence[Edge]
    """By target, in the order of `needs`."""

    @cached_property
    def outgoing(self) -> Sequence[Sequence[int]]:
        """For each node, the edges that leave it."""
        found: list[list[int]] = [[] for _ in self.ids]
        for number, edge in enumerate(self.edges):
            found[edge.source].append(number)
        return found

    @cached_property
    def incoming(self) -> Sequence[Sequence[int]]:
        """For each node, the edges that lead to it."""
        found: list[list[int]] = [[] for _ in self.ids]
        for number, edge in enumerate(self.edges):
            found[edge.target].append(number)
        return found

    @cached_property
    def successors(self) -> Sequence[Sequence[int]]:
        """For each node, the nodes that its edges lead to."""
        return [[self.edges[number].target for number in numbers] for numbers in self.outgoing]

    @cached_property
    def groups(self) -> Sequence[Sequence[int]]:
        """Nodes that reach each other, each group after all that it leads to; without cycles, an order."""
        return components(self.successors)

    @cached_property
    def is_acyclic(self) -> bool:
        """Whether nodes can be put in an order to run in."""
        return len(self.groups) == len(self.ids) and not any(edge.source == edge.target for edge in self.edges)

    @cached_property
    def backward(self) -> Sequence[int]:
        """The nodes of a graph without cycles, each after all that it leads to."""
        return [group[0] for group in self.groups]

    @cached_property
    def above(self) -> Sequence[int]:
        """For each node, the bits of those upstream of it."""
        return upstream(self.successors, self.groups)

    @cached_property
    def below(self) -> Sequence[int]:
        """For each node, the bits of those downstream of it."""
        predecessors = [[self.edges[number].source for number in numbers] for numbers in self.incoming]
        return upstream(predecessors, self.groups[::-1])


def wire(graph: Graph) -> Wired:
    """Read the edges of a graph."""
    place = {id: number for number, id in enumerate(graph.nodes)}
    edges: list[Edge] = []
    for target, node in enumerate(graph.nodes.values()):
        sources = dict.fromkeys((place[need.id], need.port) for need in node.edges if need.id in place)
        edges.extend(Edge(source, port, target) for source, port in sources)
    return Wired(tuple(graph.nodes), place, edges)
