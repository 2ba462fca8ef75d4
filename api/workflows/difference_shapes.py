"""What the difference between two versions looks like from outside."""

from typing import Literal

from pydantic import BaseModel, JsonValue


class AtOut(BaseModel):
    """What stands at a place of one of the documents."""

    path: str
    """A JSON pointer."""
    value: JsonValue


class FieldChangeOut(BaseModel):
    """A field that differs; `old` or `new` is null where it is not there."""

    change: Literal["added", "removed", "changed"]
    old: AtOut | None
    new: AtOut | None


class NodeAtOut(BaseModel):
    """A node of one of the documents."""

    path: str
    """A JSON pointer."""
    id: str
    type: str | None
    title: str | None


class NodeChangeOut(BaseModel):
    """A node that is in one document only, has another id, or differs in some fields."""

    change: Literal["added", "removed", "changed", "renamed"]
    old: NodeAtOut | None
    new: NodeAtOut | None
    fields: list[FieldChangeOut]
    """Without its edges, and without what differs inside the graphs of a node that both documents have."""


class EdgeOut(BaseModel):
    """An edge of one of the documents."""

    graph: str
    """A JSON pointer to the graph; empty for the workflow's own."""
    source: str
    port: str
    node: str
    """The id of the node it leads to."""


class EdgeChangeOut(BaseModel):
    """An edge that is in one document only."""

    change: Literal["added", "removed"]
    old: EdgeOut | None
    new: EdgeOut | None


class PlacedOut(BaseModel):
    """Where a key stands in an object."""

    key: str
    after: str | None
    """Null: it is the first."""


class OrderChangeOut(BaseModel):
    """Keys that have moved among those that both documents have: nodes, cases or branches."""

    old_path: str
    new_path: str
    old: list[PlacedOut]
    new: list[PlacedOut]


class DifferenceOut(BaseModel):
    """What differs between two documents. The fields of a section are those of every graph; the paths tell which."""

    old: str
    """What was compared: `version 3`, `the draft`."""
    new: str
    same: bool
    """Whether nothing differs at all."""
    only_layout: bool
    """Whether something differs, and it is only drawn differently."""
    document: list[FieldChangeOut]
    """Title, labels, language."""
    input: list[FieldChangeOut]
    settings: list[FieldChangeOut]
    vars: list[FieldChangeOut]
    nodes: list[NodeChangeOut]
    edges: list[EdgeChangeOut]
    order: list[OrderChangeOut]
    output: list[FieldChangeOut]
    references: list[FieldChangeOut]
    """Fields that differ in nothing but the names of renamed nodes."""
    layout: list[FieldChangeOut]
    """The drawing."""
