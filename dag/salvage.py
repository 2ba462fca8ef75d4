"""What can still be checked of a document that has problems: the same without the parts that are wrong."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import JsonValue

from dag.names import EDGE
from dag.node import Broken
from dag.outline import GRAPHS
from dag.places import Path, Pattern

_STAND_IN: dict[str, JsonValue] = {"language": 1, "name": "unnamed"}
_EDGE = re.compile(EDGE.removesuffix("$") + r"\Z", re.ASCII)


def salvaged(document: dict[str, JsonValue], wrong: Iterable[Path]) -> dict[str, Any]:
    """The document with a broken node for each wrong one, without its other wrong parts. Places are as Pydantic's."""
    copy = _Copy(document)
    for loc in wrong:
        node, rest = _innermost_node(loc)
        if not node:
            copy.replace(loc[:2], _STAND_IN.get(str(loc[0])))
        elif rest == ("[key]",):
            copy.replace(node, None)
        elif not isinstance(whole := copy.at(node), Broken | None):
            copy.replace(node, _broken(whole))
    return copy.root


class _Copy:
    """A document that shares with the original whatever stays as it is."""

    def __init__(self, document: dict[str, JsonValue]):
        self.root: dict[str, Any] = dict(document)
        self._own: dict[Path, Any] = {(): self.root}

    def at(self, path: Path) -> Any:
        """What is there, or None."""
        parent = self._parent(path)
        return None if parent is None else parent[path[-1]]

    def replace(self, path: Path, value: Any) -> None:
        """Put something else there; None takes it away."""
        parent = self._parent(path)
        if value is not None and path[0] in _STAND_IN:
            self.root[str(path[0])] = value
        elif parent is not None and value is None:
            del parent[path[-1]]
        elif parent is not None:
            parent[path[-1]] = value

    def _parent(self, path: Path) -> Any:
        """The copy of what holds the last step of a path, made on the way; None if the path leads nowhere."""
        parent: Any = self.root
        for length in range(1, len(path)):
            step = path[:length]
            if step not in self._own:
                if not _has(parent, step[-1]) or not isinstance(parent[step[-1]], (dict, list)):
                    return None
                self._own[step] = parent[step[-1]] = parent[step[-1]].copy()
            parent = self._own[step]
        return parent if _has(parent, path[-1]) else None


def _has(parent: dict[str, Any] | list[Any], step: str | int) -> bool:
    return step in parent if isinstance(parent, dict) else isinstance(step, int) and step < len(parent)


def _broken(node: JsonValue) -> Broken:
    """Keep what can be read of a node's edges."""
    needs = node.get("needs", []) if isinstance(node, dict) else None
    texts = needs if isinstance(needs, list) else []
    read = [text for text in texts if isinstance(text, str) and _EDGE.match(text)]
    return Broken(needs=read, edges_read=read == needs)


def _innermost_node(loc: Path) -> tuple[Path, Path]:
    """The path of the innermost node that a place lies in, and what of the place comes after it."""
    node: Path = ()
    graph: Path = ()
    rest = loc
    while len(rest) >= 2 and rest[0] == "nodes":
        node, rest = (*graph, *rest[:2]), rest[2:]
        word = str(rest[0]).removeprefix("\0") if rest else ""
        pattern = next((one for one in GRAPHS.get(word, ()) if _leads(one, rest[1:])), None)
        if pattern is None:
            break
        graph, rest = (*node, *rest[1 : 1 + len(pattern)]), rest[1 + len(pattern) :]
    return node, rest


def _leads(pattern: Pattern, rest: Path) -> bool:
    return len(rest) > len(pattern) and all(key in ("*", step) for key, step in zip(pattern, rest, strict=False))
