"""Paths of nodes as people write them in a test: of every run of a node (`each.price`), of one (`each[2].price`), of a
compensation (`pay.compensate`), or within what a `workflow` node starts (`child.fetch`)."""

import re
from dataclasses import dataclass

from dag.plan import PlanGraph, PlanNode

LOOPS = frozenset({"for_each", "while", "repeat"})
COMPENSATE = "compensate"
_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TURN = re.compile(r"\[[0-9]{1,9}\]")


@dataclass(frozen=True)
class Around:
    """A graph around a node, and the node in it that leads inwards."""

    graph: PlanGraph
    at: int
    names: tuple[str, ...] = ()
    """What is bound in the graph itself."""


@dataclass(frozen=True)
class Place:
    """A node in its graphs, the outermost first."""

    node: PlanNode
    around: tuple[Around, ...]
    path: str
    """Without turns, and without what follows."""
    turns: int
    """How many turns the text names, of `loops`."""
    loops: int
    undoes: bool = False
    """Whether the compensation is meant."""
    rest: str = ""
    """Of the path: within what the node starts."""
    head: str = ""
    """The path as it was written, without the rest."""


def find(graph: PlanGraph, text: str) -> Place | None:
    """Where a path leads in a plan; None: to nothing."""
    around: tuple[Around, ...] = ()
    names: tuple[str, ...] = ()
    path, at, turns, loops = "", 0, 0, 0
    while True:
        match = _ID.match(text, at)
        if match is None or match[0] not in graph.place:
            return None
        number = graph.place[match[0]]
        node = graph.nodes[number]
        around = (*around, Around(graph, number, names))
        path, at = path + match[0], match.end()
        if at == len(text):
            return Place(node, around, path, turns, loops, head=text)
        rest = text[at:]
        if node.type in LOOPS:
            turn = _TURN.match(text, at)
            at, turns, loops = (at if turn is None else turn.end()), turns + (turn is not None), loops + 1
            graph, names, part = node.graphs["body"], bound(node, "body"), ""
        elif node.graphs:
            part = next((name for name in node.graphs if rest.startswith(f".{name}.")), None)
            if part is None:
                return None
            graph, names = node.graphs[part], bound(node, part)
            at, part = at + 1 + len(part), f".{part}"
        elif rest == f".{COMPENSATE}" and node.compensate is not None:
            return Place(node, around, path, turns, loops, undoes=True, head=text)
        elif node.type == "workflow" and rest.startswith("."):
            return Place(node, around, path, turns, loops, rest=rest[1:], head=text[:at])
        else:
            return None
        if text[at : at + 1] != ".":
            return None
        path, at = f"{path}{part}.", at + 1


def definition_path(graph: PlanGraph, path: str) -> str | None:
    """The path of a node run without its turns; None: of no node, as that of a compensation."""
    place = find(graph, path)
    return None if place is None or place.undoes or place.rest else place.path


def bound(node: PlanNode, part: str) -> tuple[str, ...]:
    """The names that a node binds in a graph of its own."""
    config = node.config.value if isinstance(node.config.value, dict) else {}
    if node.type == "for_each":
        return str(config.get("as", "item")), "loop"
    if node.type in LOOPS:
        return ("loop",)
    if part.startswith("catch["):
        entries = config.get("catch")
        entry = entries[int(part[6:-1])] if isinstance(entries, list) else None
        return (str(entry.get("as", "error")) if isinstance(entry, dict) else "error",)
    return ()
