"""The graphs of a document that is not known to be right yet: how many levels and nodes there are, and which ids."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from dag.controls.words import WORDS
from dag.limits import DEFAULTS, Limits
from dag.places import Path, Pattern, found, places
from dag.problems import Problem, pointer

GRAPHS: Mapping[str, tuple[Pattern, ...]] = {
    word: patterns
    for word, model in WORDS.items()
    if (patterns := tuple(place.pattern for place in places(model) if place.holds == "graph"))
}
"""Where the nodes of some control words hold graphs."""


@dataclass(frozen=True)
class _Written:
    path: Path
    nodes: Mapping[str, JsonValue]
    enclosing: "_Written | None"

    def owner(self, id: str) -> "_Written | None":
        """The nearest graph around this one that has a node of that id."""
        around = self.enclosing
        while around is not None and id not in around.nodes:
            around = around.enclosing
        return around


def outline(document: JsonValue, *, limits: Limits = DEFAULTS) -> list[Problem]:
    """Check what a graph is by itself: not too deep, not too many nodes, not empty, no id of an enclosing graph."""
    problems: list[Problem] = []
    count = 0
    waiting: list[tuple[Path, JsonValue, _Written | None, int]] = [((), document, None, 1)]
    while waiting:
        path, graph, enclosing, level = waiting.pop()
        nodes = graph.get("nodes") if isinstance(graph, dict) else None
        if not isinstance(nodes, dict):
            continue
        if level > limits.levels:
            problems.append(Problem("limit", pointer(path), f"Graphs nest {limits.levels} levels deep at most."))
            continue
        here = _Written((*path, "nodes"), nodes, enclosing)
        count += len(nodes)
        problems.extend(_of_graph(here))
        inner = [
            ((*here.path, id, *inside), graph, here, level + 1)
            for id, node in nodes.items()
            for inside, graph in _inner(node)
        ]
        waiting.extend(reversed(inner))
    if count > limits.nodes:
        problems.append(Problem("limit", "/nodes", f"There are {count} nodes; a workflow has at most {limits.nodes}."))
    return problems


def _of_graph(graph: _Written) -> Iterator[Problem]:
    if not graph.nodes:
        yield Problem("empty_graph", pointer(graph.path), "A graph needs at least one node.")
    for id in graph.nodes if graph.enclosing is not None else ():
        if (owner := graph.owner(id)) is not None:
            yield Problem(
                "duplicate_id",
                pointer((*graph.path, id)),
                f"An enclosing graph has a node `{id}` too, at {pointer((*owner.path, id))}.",
                "Ids are unique in their graph and in all that enclose it.",
            )


def _inner(node: JsonValue) -> Iterator[tuple[Path, Any]]:
    word = node.get("type") if isinstance(node, dict) else None
    for pattern in GRAPHS.get(word, ()) if isinstance(word, str) else ():
        yield from found(node, pattern)
