"""Which nodes and edges of a plan an execution went through."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dag.plan import Plan, PlanGraph
from dag.testing.places import LOOPS, definition_path

RAN = frozenset({"running", "waiting", "succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Went:
    """A node run, as far as it matters here."""

    path: str
    status: str
    port: str | None


@dataclass(frozen=True)
class Coverage:
    """By the paths of nodes; edges as `fetch.out -> pay`. True: at least once."""

    nodes: Mapping[str, bool] = field(default_factory=dict[str, bool])
    edges: Mapping[str, bool] = field(default_factory=dict[str, bool])

    @property
    def percent(self) -> float:
        """How many of all nodes and edges."""
        every = [*self.nodes.values(), *self.edges.values()]
        return round(100 * sum(every) / len(every), 1) if every else 100.0


def coverage(plan: Plan, runs: Iterable[Went]) -> Coverage:
    """What was gone through, whatever the turn. What other executions did that it started does not count."""
    nodes, edges = dict[str, bool](), dict[str, bool]()
    leaving: dict[tuple[str, str], list[str]] = {}
    for prefix, graph in _graphs(plan.graph):
        for node in graph.nodes:
            nodes[f"{prefix}{node.id}"] = False
        for edge in graph.edges:
            source, target = (f"{prefix}{graph.nodes[place].id}" for place in (edge.source, edge.target))
            name = f"{source}.{edge.port} -> {target}"
            edges[name] = False
            leaving.setdefault((source, edge.port), []).append(name)
    for run in runs:
        path = definition_path(plan.graph, run.path)
        if path is None or run.status not in RAN:
            continue
        nodes[path] = True
        for name in leaving.get((path, run.port or ""), ()):
            edges[name] = True
    return Coverage(nodes, edges)


def merged(each: Iterable[Coverage]) -> Coverage:
    """What several executions went through together."""
    nodes, edges = dict[str, bool](), dict[str, bool]()
    for one in each:
        for path, went in one.nodes.items():
            nodes[path] = nodes.get(path, False) or went
        for name, went in one.edges.items():
            edges[name] = edges.get(name, False) or went
    return Coverage(nodes, edges)


def _graphs(root: PlanGraph) -> Iterator[tuple[str, PlanGraph]]:
    waiting = [("", root)]
    while waiting:
        prefix, graph = waiting.pop(0)
        yield prefix, graph
        for node in graph.nodes:
            path = f"{prefix}{node.id}"
            for part, inside in node.graphs.items():
                waiting.append((f"{path}." if node.type in LOOPS else f"{path}.{part}.", inside))
