"""Writes what differs between two documents for people to read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff

import orjson
from pydantic import JsonValue

from dag.difference import At, Difference, Edge, EdgeChange, FieldChange, NodeAt, NodeChange, OrderChange
from dag.node import OUT
from dag.problems import unescaped

_LONGEST = 100
"""Characters of a value in a line."""
_MOST_LINES = 200
"""Lines of texts that are compared line by line."""
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "~"}
_PLAIN = re.compile(r"[A-Za-z0-9_.\[\]-]{1,500}\Z")


def changelog(found: Difference, *, old: str, new: str) -> str:
    """Tell all of it, heading by heading; `old` and `new` are what the documents are called."""
    lines = [f"{old} → {new}", *_parts(found)]
    if found.same:
        lines += ["", "Nothing differs."]
    elif found.only_layout:
        lines += ["", "It runs alike: only the drawing differs."]
    return "\n".join(lines) + "\n"


def _parts(found: Difference) -> Iterator[str]:
    edges: dict[tuple[str, str], list[EdgeChange]] = {}
    for change in found.edges:
        edge = change.new or change.old
        if edge is not None:
            edges.setdefault((edge.graph, edge.node), []).append(change)
    yield from _part("Workflow", _fields(found.document))
    yield from _part("Input", _fields(found.input, within="/input"))
    yield from _part("Settings", _fields(found.settings, within="/settings"))
    yield from _part("Variables", _fields(found.vars))
    yield from _part("Nodes", _nodes(found.nodes, edges))
    yield from _part("Order", (line for change in found.order for line in _reordered(change)))
    yield from _part("Output", _fields(found.output))
    yield from _part("Followed the new names", _fields(found.references))
    yield from _part("Drawing", _drawn(found.layout))


def _part(heading: str, lines: Iterable[str]) -> Iterator[str]:
    told = [*lines]
    if told:
        yield from ("", heading, *(f"  {line}" for line in told))


def _nodes(changes: Sequence[NodeChange], edges: dict[tuple[str, str], list[EdgeChange]]) -> Iterator[str]:
    for change in changes:
        node = change.new or change.old
        if node is None:
            continue
        yield f"{_SIGNS[change.change]} {_node(change, node)}"
        yield from (f"    {line}" for line in _edges(edges.pop(_home(node.path), [])))
        yield from (f"    {line}" for line in _fields(_shown(change), within=node.path))
    for (graph, id), rest in edges.items():  # of nodes that differ in nothing else
        yield f"~ {place(f'{graph}/nodes/{id}')}"
        yield from (f"    {line}" for line in _edges(rest))


def _node(change: NodeChange, node: NodeAt) -> str:
    named = place(node.path)
    if change.change == "renamed" and change.old is not None:
        named = f"{place(change.old.path)} → {named}, renamed"
    if change.change in ("added", "removed"):
        named += f" ({_quoted(node.type or 'without a type')})" + (f" {_json(node.title)}" if node.title else "")
    return named


def _shown(change: NodeChange) -> Sequence[FieldChange]:
    """Of a node that came or went all is told but what its line says already."""
    if change.old is not None and change.new is not None:
        return change.fields
    said = ("/type", "/title")
    return [field for field in change.fields if not (field.new or field.old or At("", None)).path.endswith(said)]


def _home(path: str) -> tuple[str, str]:
    graph, _, id = path.rpartition("/nodes/")
    return graph, unescaped(f"/{id}")[0]


def _edges(changes: Sequence[EdgeChange]) -> Iterator[str]:
    for sign, side in (("+", [change.new for change in changes]), ("-", [change.old for change in changes])):
        sources = [_source(edge) for edge in side if edge is not None]
        if sources:
            yield f"{sign} after {', '.join(sources)}"


def _source(edge: Edge) -> str:
    return _quoted(edge.source if edge.port == OUT else f"{edge.source}.{edge.port}")


def _fields(changes: Iterable[FieldChange], *, within: str = "") -> Iterator[str]:
    for change in changes:
        match change.old, change.new:
            case At() as old, At() as new:
                yield from _changed(place(new.path.removeprefix(within)), old.value, new.value)
            case None, At() as new:
                yield f"+ {_labelled(new, within)}"
            case At() as old, None:
                yield f"- {_labelled(old, within)}"
            case _:
                continue


def _labelled(at: At, within: str) -> str:
    label = place(at.path.removeprefix(within))
    return f"{label}: {_short(at.value)}" if label else _short(at.value)


def _changed(label: str, old: JsonValue, new: JsonValue) -> Iterator[str]:
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        before, after = old.splitlines(), new.splitlines()
        yield f"~ {label}:"
        if max(len(before), len(after)) > _MOST_LINES or before == after:
            yield f"    {len(before)} lines → {len(after)} lines"
            return
        compared = [*unified_diff(before, after, lineterm="", n=1)][2:]
        yield from (f"    {_visible(line)}" for line in compared if not line.startswith("@@"))
    else:
        yield f"~ {label}: {_short(old)} → {_short(new)}"


def _reordered(change: OrderChange) -> Iterator[str]:
    where = place(change.new_path.removesuffix("/nodes")) or "the workflow"
    for moved in change.new:
        behind = f"after {_quoted(moved.after)}" if moved.after is not None else "first"
        yield f"~ in {where}: {_quoted(moved.key)} now stands {behind}"


def _drawn(changes: Sequence[FieldChange]) -> Iterator[str]:
    if changes:
        paths = [unescaped((change.new or change.old or At("", None)).path) for change in changes]
        names = dict.fromkeys(path[1] for path in paths if len(path) > 1)
        yield "~ " + (", ".join(_quoted(name) for name in names) or "all of it")


def place(path: str) -> str:
    """A JSON pointer as people write places: `each.body.price`, without the words that every graph has."""
    told = ""
    keys = unescaped(path)
    for index, key in enumerate(keys):
        if _understood(keys, index):
            continue
        told += f"[{key}]" if key.isdecimal() else f".{_quoted(key)}" if told else _quoted(key)
    return told


def _understood(keys: Sequence[str], index: int) -> bool:
    """Whether a word stands only between a graph and its nodes, or between a node and the graph in it."""
    if keys[index] == "nodes":
        return index + 1 < len(keys) and _begins_graph(keys[:index])
    return keys[index] in ("config", "branches") and "nodes" in keys[index + 1 :]


def _begins_graph(keys: Sequence[str]) -> bool:
    return not keys or keys[-1] in ("body", "finally") or (len(keys) > 1 and keys[-2] == "branches")


def _short(value: JsonValue) -> str:
    text = _json(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _json(value: JsonValue) -> str:
    return _visible(orjson.dumps(value).decode())


def _quoted(name: str) -> str:
    """A name by itself, if it can be read so: a draft holds anything."""
    return name if _PLAIN.match(name) else _short(name)


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
