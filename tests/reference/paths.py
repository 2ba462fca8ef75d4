"""The paths of node runs: `each[3].price`, `fan.left.a`, `guard.catch[0].note`, `pay.compensate`."""

import re
from collections.abc import Mapping
from typing import Any

from tests.reference.document import Document

Rank = tuple[int, ...]
"""Where a node run stands in the document, turns by their number."""


def graph_of(path: str) -> str:
    """The path of the graph that a node is in; the document's own is empty."""
    return path.rpartition(".")[0]


def id_of(path: str) -> str:
    """The node at the end of a path; of a compensation, with what makes it one."""
    steps = path.split(".")
    return ".".join(steps[-2:]) if len(steps) > 1 and steps[-1] == "compensate" else steps[-1]


def turn_of(path: str) -> int:
    """A number that tells turns apart: the sum of those in brackets."""
    return sum(map(int, re.findall(r"\[(\d+)\]", path)))


def rank_of(path: str, document: Document) -> Rank:
    """The place of a node run in document order."""
    return _found(path, document)[0]


def node_at(path: str, document: Document) -> Mapping[str, Any]:
    """The node of a node run, as written; of a compensation, what undoes."""
    return _found(path, document)[1]


def _found(path: str, document: Document) -> tuple[Rank, Mapping[str, Any]]:
    steps = path.split(".")
    graph: Mapping[str, Any] = document
    rank: Rank = ()
    while True:
        name, number = _numbered(steps.pop(0))
        node = graph["nodes"][name]
        rank += (list(graph["nodes"]).index(name),)
        if not steps:
            return rank, node
        if steps == ["compensate"]:
            return rank, node["compensate"]
        config = node["config"]
        if number is not None:
            graph, place = config["body"], number
        elif node["type"] == "parallel":
            branch = steps.pop(0)
            graph, place = config["branches"][branch], list(config["branches"]).index(branch)
        else:
            part, entry = _numbered(steps.pop(0))
            graph = config[part] if entry is None else config[part][entry]["body"]
            place = {"body": 0, "finally": 1 + len(config.get("catch", []))}.get(part, 1 + (entry or 0))
        rank += (place,)


def _numbered(step: str) -> tuple[str, int | None]:
    name, _, number = step.partition("[")
    return name, int(number[:-1]) if number else None
