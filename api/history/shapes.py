"""What the history of an execution looks like from outside."""

from datetime import datetime

from pydantic import BaseModel, JsonValue

from api.executions.shapes import NodeStatus


class GraphNodeOut(BaseModel):
    """A node of the definition, and how its runs stand."""

    place: str
    """Its path without the numbers of turns: `each.price` for all runs `each[0].price`, `each[1].price`, …"""
    id: str
    type: str | None
    title: str | None
    inside: str | None
    """The place of the node whose graph it stands in; null: the workflow's own."""
    part: str | None
    """Which of that node's graphs: `body`, a branch's name, `catch[0]`, `finally`."""
    runs: int
    statuses: dict[NodeStatus, int]
    """How many runs have each status."""
    started_at: datetime | None
    """When the first run started."""
    ended_at: datetime | None
    """When the last run ended, of those that have."""
    seconds_p50: float | None
    """Half of the runs that have ended took no longer."""
    seconds_max: float | None
    errors: dict[str, int]
    """The codes of failed runs, the five most frequent ones."""


class GraphEdgeOut(BaseModel):
    """An edge of the definition, between places."""

    source: str
    port: str
    target: str


class GraphOut(BaseModel):
    """The definition's graph with the states of its nodes."""

    workflow: str
    version: int
    attempt: int
    path: str | None
    """What all of it is inside of."""
    nodes: list[GraphNodeOut]
    edges: list[GraphEdgeOut]


class LogLineOut(BaseModel):
    """What an activity or a code step wrote."""

    seq: int
    at: datetime
    path: str
    """Of the node run that wrote it; empty: the execution itself."""
    attempt: int
    """At the execution."""
    node_attempt: int | None
    """At the node run."""
    level: str
    message: str
    fields: dict[str, JsonValue]
