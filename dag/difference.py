"""What can differ between two documents of a workflow: nodes, edges, fields, order, and the drawing apart."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

Change = Literal["added", "removed", "changed", "renamed"]


@dataclass(frozen=True)
class At:
    """What stands at a place of one of the documents."""

    path: str
    """A JSON pointer."""
    value: JsonValue


@dataclass(frozen=True)
class FieldChange:
    """A field in the older and in the newer document; None where it is not there."""

    old: At | None
    new: At | None

    @property
    def change(self) -> Change:
        """What became of it."""
        return _change(self.old, self.new)


@dataclass(frozen=True)
class NodeAt:
    """A node of one of the documents."""

    path: str
    """A JSON pointer."""
    id: str
    type: str | None
    title: str | None


@dataclass(frozen=True)
class NodeChange:
    """A node that is in one document only, has another id, or differs in some fields. Edges are told apart, and so is
    what differs in graphs inside a node that both documents have."""

    old: NodeAt | None
    new: NodeAt | None
    fields: tuple[FieldChange, ...]

    @property
    def change(self) -> Change:
        """What became of it. A renamed node may differ in fields too."""
        if self.old is not None and self.new is not None and self.old.id != self.new.id:
            return "renamed"
        return _change(self.old, self.new)


@dataclass(frozen=True)
class Edge:
    """An edge of one of the documents."""

    graph: str
    """A JSON pointer to the graph."""
    source: str
    port: str
    node: str
    """The id of the node it leads to."""


@dataclass(frozen=True)
class EdgeChange:
    """An edge that is in one document only, whatever its nodes are called."""

    old: Edge | None
    new: Edge | None

    @property
    def change(self) -> Change:
        """What became of it."""
        return _change(self.old, self.new)


@dataclass(frozen=True)
class Placed:
    """Where a key stands in an object."""

    key: str
    after: str | None
    """None: it is the first."""


@dataclass(frozen=True)
class OrderChange:
    """Keys that stand elsewhere among those that both documents have, where the order counts."""

    old_path: str
    new_path: str
    old: tuple[Placed, ...]
    new: tuple[Placed, ...]


@dataclass(frozen=True)
class Difference:
    """All that differs. Sections hold the fields of every graph; the paths tell which."""

    document: tuple[FieldChange, ...] = ()
    """What a workflow says of itself: title, labels, language."""
    input: tuple[FieldChange, ...] = ()
    settings: tuple[FieldChange, ...] = ()
    vars: tuple[FieldChange, ...] = ()
    nodes: tuple[NodeChange, ...] = ()
    edges: tuple[EdgeChange, ...] = ()
    order: tuple[OrderChange, ...] = ()
    output: tuple[FieldChange, ...] = ()
    references: tuple[FieldChange, ...] = ()
    """Fields that differ in nothing but the names of renamed nodes."""
    layout: tuple[FieldChange, ...] = ()
    """The drawing."""

    @property
    def same(self) -> bool:
        """Whether nothing differs at all."""
        return self == Difference()

    @property
    def only_layout(self) -> bool:
        """Whether something differs, and it is only drawn differently."""
        return bool(self.layout) and self == Difference(layout=self.layout)


def _change(old: object, new: object) -> Change:
    return "added" if old is None else "removed" if new is None else "changed"
