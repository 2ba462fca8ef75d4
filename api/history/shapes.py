"""What the history of an execution looks like from outside."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, JsonValue

from api.executions.shapes import AttemptOut, EventOut, ExecutionOut, ExecutionStatus, NodeRunOut, NodeStatus


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


class SpanOut(BaseModel):
    """A part of the time of a node run."""

    kind: Literal["queued", "running", "waiting", "retry"]
    """Queued: no attempt has begun yet; waiting: for a time, an event or a person; retry: for the next attempt."""
    started_at: datetime
    ended_at: datetime | None
    """Null: it goes on."""


class BarOut(BaseModel):
    """A line of the timeline: a node run, or a turn of a loop."""

    kind: Literal["node", "turn"]
    path: str
    """Give it as `path` for what is inside, where `statuses` says that something is."""
    type: str | None
    status: NodeStatus | None
    started_at: datetime | None
    ended_at: datetime | None
    spans: list[SpanOut]
    attempts: list[AttemptOut]
    statuses: dict[NodeStatus, int] | None
    """How many of the node runs anywhere inside have each status; across several turns, of all."""
    place: int
    """Where it stands: of a node run the `seq` of its first event, of a turn its number."""


class ExportOut(BaseModel):
    """An execution as one document."""

    format: Literal[1]
    exported_at: datetime
    execution: ExecutionOut
    definition: dict[str, JsonValue] | None
    """Of its version, as it was written."""
    node_runs: list[NodeRunOut]
    """Of all attempts, in their order."""
    events: list[EventOut]
    """Without the lines of logs."""
    logs: list[LogLineOut]


class ComparedOut(BaseModel):
    """One of two executions that are compared."""

    id: str
    workflow: str
    version: int
    status: ExecutionStatus
    attempt: int
    """Whose node runs are compared."""
    trigger: str
    error_code: str | None
    started_at: datetime
    closed_at: datetime | None
    seconds: float | None


class DifferenceOut(BaseModel):
    """A place where two values differ."""

    path: str
    """A JSON pointer."""
    kind: Literal["added", "removed", "changed"]
    before: JsonValue
    """In the first one; null where there is nothing, and where it is too large to be shown."""
    after: JsonValue
    """In the other one."""
    cut: bool
    """Whether one of them is too large to be shown."""


class SideOut(BaseModel):
    """A node run in one of two executions."""

    status: NodeStatus
    port: str | None
    error_code: str | None
    seconds: float | None


class PairOut(BaseModel):
    """The node runs of one path in both."""

    path: str
    one: SideOut | None
    """Null: there is none in the first one."""
    other: SideOut | None
    output: Literal["equal", "different", "unknown"] | None
    """Unknown: both are too large to be told apart, and as long; null: one of the node runs is not there."""
    differs: bool
    """Whether status, port, error code or output do, or only one is there."""


class ComparisonOut(BaseModel):
    """Two executions beside each other, with a page of their node runs in the order of paths."""

    one: ComparedOut
    other: ComparedOut
    differs: list[Literal["workflow", "version", "status", "trigger", "error_code", "input", "output"]]
    input: list[DifferenceOut]
    """The first 100."""
    output: list[DifferenceOut]
    items: list[PairOut]
    next: str | None
    """Give it as `cursor` for the node runs that follow; null: none do."""
