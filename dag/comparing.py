"""Compares two documents of a workflow, in a time that goes with their size."""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import JsonValue

from dag.difference import At, Difference, Edge, EdgeChange, FieldChange, NodeAt, NodeChange, OrderChange, Placed
from dag.draft import Document
from dag.node import OUT
from dag.outline import GRAPHS
from dag.places import Path, Pattern
from dag.problems import pointer
from dag.renames import Renames, followed, renames
from dag.reordering import reordered

_ORDERED: Mapping[str, str] = {"switch": "cases", "parallel": "branches"}
"""The object in the config of a node whose order counts, as that of nodes does."""
_Needs = list[tuple[str, str]]


def compare(old: Document, new: Document) -> Difference:
    """Tell what differs. The documents may be incomplete and wrong, as drafts are."""
    differing = _Differing()
    _graph(_Pair((), ()), old, new, ChainMap(), differing)
    return Difference(**{name: tuple(changes) for name, changes in vars(differing).items()})


@dataclass
class _Differing:
    """What was found so far; the fields are those of a difference."""

    document: list[FieldChange] = field(default_factory=list[FieldChange])
    input: list[FieldChange] = field(default_factory=list[FieldChange])
    settings: list[FieldChange] = field(default_factory=list[FieldChange])
    vars: list[FieldChange] = field(default_factory=list[FieldChange])
    nodes: list[NodeChange] = field(default_factory=list[NodeChange])
    edges: list[EdgeChange] = field(default_factory=list[EdgeChange])
    order: list[OrderChange] = field(default_factory=list[OrderChange])
    output: list[FieldChange] = field(default_factory=list[FieldChange])
    references: list[FieldChange] = field(default_factory=list[FieldChange])
    layout: list[FieldChange] = field(default_factory=list[FieldChange])

    def section(self, key: str) -> list[FieldChange]:
        """Where the fields of a key of a document or a graph belong."""
        sections = {
            "input": self.input,
            "settings": self.settings,
            "vars": self.vars,
            "output": self.output,
            "layout": self.layout,
        }
        return sections.get(key, self.document)


@dataclass(frozen=True)
class _Pair:
    """The paths to what is compared."""

    old: Path
    new: Path

    def at(self, *keys: str | int) -> "_Pair":
        return _Pair((*self.old, *keys), (*self.new, *keys))

    def apart(self, old: str | int, new: str | int) -> "_Pair":
        return _Pair((*self.old, old), (*self.new, new))

    def changed(self, old: JsonValue, new: JsonValue) -> FieldChange:
        return FieldChange(At(pointer(self.old), old), At(pointer(self.new), new))

    def removed(self, value: JsonValue) -> FieldChange:
        return FieldChange(At(pointer(self.old), value), None)

    def added(self, value: JsonValue) -> FieldChange:
        return FieldChange(None, At(pointer(self.new), value))


@dataclass(frozen=True)
class _Values:
    """How values are compared: which nodes have other names here, where graphs stand, and where differences go."""

    names: ChainMap[str, str]
    differing: _Differing
    into: list[FieldChange]

    def object(self, pair: _Pair, old: Document, new: Document, graphs: Sequence[Pattern] = ()) -> None:
        """Compare two objects key by key, in the order of the newer one."""
        for key, value in new.items():
            if key in old:
                self.value(pair.at(key), old[key], value, _inside(graphs, key))
            else:
                self.into.append(pair.at(key).added(value))
        self.into.extend(pair.at(key).removed(value) for key, value in old.items() if key not in new)

    def value(self, pair: _Pair, old: JsonValue, new: JsonValue, graphs: Sequence[Pattern] = ()) -> None:
        """Compare what stands at a place. `graphs` are the ways from here to graphs."""
        match old, new:
            case dict(), dict() if () in graphs:
                _graph(pair, old, new, self.names, self.differing)
            case dict(), dict():
                self.object(pair, old, new, graphs)
            case list(), list():
                self.items(pair, old, new, graphs)
            case _ if type(old) is not type(new) or old != new:
                renamed = isinstance(old, str) and followed(old, self.names) == new
                (self.differing.references if renamed else self.into).append(pair.changed(old, new))
            case _:
                return

    def items(self, pair: _Pair, old: list[JsonValue], new: list[JsonValue], graphs: Sequence[Pattern]) -> None:
        """Compare two lists: what is between the items that both begin and end with, one by one."""
        inside = _inside(graphs, "*")
        before, after = [orjson.dumps(item) for item in old], [orjson.dumps(item) for item in new]
        first = _alike(before, after)
        last = _alike(before[first:][::-1], after[first:][::-1])
        olds, news = range(first, len(old) - last), range(first, len(new) - last)
        for left, right in zip(olds, news, strict=False):
            self.value(pair.apart(left, right), old[left], new[right], inside)
        both = min(len(olds), len(news))
        self.into.extend(pair.at(index).added(new[index]) for index in news[both:])
        self.into.extend(pair.at(index).removed(old[index]) for index in olds[both:])


def _inside(graphs: Sequence[Pattern], key: str) -> Sequence[Pattern]:
    return [pattern[1:] for pattern in graphs if pattern and pattern[0] in ("*", key)]


def _alike(before: list[bytes], after: list[bytes]) -> int:
    """How many items both begin with."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(before), len(after)))


def _graph(pair: _Pair, old: Document, new: Document, around: ChainMap[str, str], differing: _Differing) -> None:
    olds, news = _nodes(old), _nodes(new)
    own = renames(olds, news)
    # Both ways, so that it is the same seen from either side even where a draft names nodes that are not there.
    names = around.new_child({new: old for old, new in own.items()} | own) if own else around
    for key in dict.fromkeys((*new, *old)):
        into = differing.section(key)
        match old.get(key, {}), new.get(key, {}):
            case dict(), dict() if key == "nodes":
                _nodes_of(pair, olds, news, own, names, differing)
            case dict() as before, dict() as after if key == "layout":
                _renamed_keys(pair.at(key), before, after, own, _Values(names, differing, into))
            case _ if key not in old:
                into.append(pair.at(key).added(new[key]))
            case _ if key not in new:
                into.append(pair.at(key).removed(old[key]))
            case before, after:
                _Values(names, differing, into).value(pair.at(key), before, after)


def _nodes(graph: Document) -> Document:
    nodes = graph.get("nodes")
    return nodes if isinstance(nodes, dict) else {}


def _renamed_keys(pair: _Pair, old: Document, new: Document, own: Renames, values: _Values) -> None:
    """Compare two objects whose keys are ids of nodes."""
    for before, after in _both(old, new, own):
        values.value(pair.apart(before, after), old[before], new[after])
    values.into.extend(pair.at(key).added(value) for key, value in new.items() if key not in _kept(old, own))
    values.into.extend(pair.at(key).removed(value) for key, value in old.items() if own.get(key, key) not in new)


def _kept(old: Document, own: Renames) -> dict[str, str]:
    """The ids as they are now, each with what it was."""
    return {own.get(id, id): id for id in old}


def _both(old: Document, new: Document, own: Renames) -> list[tuple[str, str]]:
    """The ids of what both have, as they were and as they are, in the order of the newer one."""
    kept = _kept(old, own)
    return [(kept[id], id) for id in new if id in kept]


def _nodes_of(
    pair: _Pair, olds: Document, news: Document, own: Renames, names: ChainMap[str, str], differing: _Differing
) -> None:
    kept = _kept(olds, own)
    for id, node in news.items():
        before = kept.get(id)
        if before is None:
            _node(pair, None, (id, node), names, differing)
        else:
            _node(pair, (before, olds[before]), (id, node), names, differing)
    for id, node in olds.items():
        if own.get(id, id) not in news:
            _node(pair, (id, node), None, names, differing)
    _order(pair.at("nodes"), olds, news, own, differing)


def _node(
    graph: _Pair,
    old: tuple[str, JsonValue] | None,
    new: tuple[str, JsonValue] | None,
    names: ChainMap[str, str],
    differing: _Differing,
) -> None:
    id = (new or old or ("",))[0]
    pair = graph.at("nodes").apart(old[0] if old else id, id)
    before, after = (named[1] if named else {} for named in (old, new))
    fields: list[FieldChange] = []
    if isinstance(before, dict) and isinstance(after, dict):
        (was, left), (is_, right) = _parted(before), _parted(after)
        if was is None or is_ is None:  # one that cannot be read is compared as it stands
            (was, left), (is_, right) = ([], before), ([], after)
        _edges(graph, pair, was, is_, names, differing)
        graphs = [*set(_graphs(before)) & set(_graphs(after))]
        _Values(names, differing, fields).object(pair, left, right, graphs)
        _order_inside(pair, before, after, differing)
    elif old is None or new is None:
        fields.append(pair.added(after) if old is None else pair.removed(before))
    else:
        _Values(names, differing, fields).value(pair, before, after)
    if fields or old is None or new is None or old[0] != new[0]:
        told = _at(pair.old, old), _at(pair.new, new)
        differing.nodes.append(NodeChange(*told, tuple(fields)))


def _at(path: Path, named: tuple[str, JsonValue] | None) -> NodeAt | None:
    if named is None:
        return None
    id, node = named
    said = [node.get(key) if isinstance(node, dict) else None for key in ("type", "title")]
    type, title = (text if isinstance(text, str) else None for text in said)
    return NodeAt(pointer(path), id, type, title)


def _graphs(node: Document) -> Sequence[Pattern]:
    word = node.get("type")
    return GRAPHS.get(word, ()) if isinstance(word, str) else ()


def _parted(node: Document) -> tuple[_Needs | None, Document]:
    """The incoming edges of a node (None: they cannot be read), and all else of it."""
    needs = node.get("needs", [])
    rest = {key: value for key, value in node.items() if key != "needs"}
    if not isinstance(needs, list):
        return None, rest
    parts = [need.partition(".") for need in needs if isinstance(need, str)]
    return ([(id, port or OUT) for id, _, port in parts] if len(parts) == len(needs) else None), rest


def _edges(
    graph: _Pair, pair: _Pair, old: _Needs, new: _Needs, names: ChainMap[str, str], differing: _Differing
) -> None:
    was, is_ = {(names.get(id, id), port): id for id, port in old}, dict.fromkeys(new)
    at, to = pointer(graph.old), pointer(graph.new)
    for id, port in is_:
        if (id, port) not in was:
            differing.edges.append(EdgeChange(None, Edge(to, id, port, str(pair.new[-1]))))
    for (id, port), before in was.items():
        if (id, port) not in is_:
            differing.edges.append(EdgeChange(Edge(at, before, port, str(pair.old[-1])), None))


def _order_inside(pair: _Pair, old: Document, new: Document, differing: _Differing) -> None:
    """The order of cases and branches."""
    if old.get("type") != new.get("type"):
        return
    key = _ORDERED.get(str(new.get("type")))
    match old.get("config"), new.get("config"):
        case {**before}, {**after} if key in before and key in after:
            was, is_ = before[key], after[key]
            if isinstance(was, dict) and isinstance(is_, dict):
                _order(pair.at("config", key), was, is_, {}, differing)
        case _:
            return


def _order(pair: _Pair, old: Document, new: Document, own: Renames, differing: _Differing) -> None:
    after = _both(old, new, own)
    shared = {before for before, _ in after}
    before = [(id, own.get(id, id)) for id in old if id in shared]
    moved = reordered(before, after) if before != after else ()
    if moved:
        was, is_ = _places([names[0] for names in moved], old), _places([names[1] for names in moved], new)
        differing.order.append(OrderChange(pointer(pair.old), pointer(pair.new), was, is_))


def _places(keys: Sequence[str], among: Document) -> tuple[Placed, ...]:
    behind = dict(zip(among, (None, *among), strict=False))
    return tuple(Placed(key, behind[key]) for key in keys)
