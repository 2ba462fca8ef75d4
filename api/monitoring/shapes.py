"""How things stand, from outside."""

from datetime import datetime

from pydantic import BaseModel


class OpenOut(BaseModel):
    """Executions of one status that have not ended."""

    status: str
    count: int
    oldest: datetime
    """When the oldest of them started."""


class OldestOut(BaseModel):
    """An execution that has been open for long."""

    execution: str
    workflow: str
    version: int
    status: str
    started_at: datetime


class WaitsOut(BaseModel):
    """What executions wait for."""

    type: str | None
    """Of the node: `approval`, `ask`, `delay`, `wait_event`, `workflow`, …"""
    count: int


class RecentOut(BaseModel):
    """What has happened in the last hour, which begins with a quarter of one."""

    since: datetime
    started: int
    closed: dict[str, int]
    """By status."""
    failed: int
    """That failed or timed out."""
    closed_per_minute: float
    node_runs_per_minute: float


class QueueOut(BaseModel):
    """One half of the queue that workers ask, which all tenants share. Numbers are Temporal's own estimates."""

    queue: str
    kind: str
    """`workflow`, for what decides, or `activity`, for what works."""
    pollers: int
    backlog: int
    oldest_seconds: float
    added_per_second: float
    dispatched_per_second: float


class QueuesOut(BaseModel):
    """What Temporal says of the queue."""

    known: bool
    """Whether it has answered of late."""
    asked_at: datetime | None
    hint: str | None
    queues: list[QueueOut]


class JournalOut(BaseModel):
    """How far behind the keeping of journals and sums is."""

    unchecked: int
    """Journals that should have been checked for holes more than two minutes ago."""
    oldest_unchecked: datetime | None
    unfolded: int
    """Changes of sums that wait to be folded; analytics read them all the same."""


class MetricsOut(BaseModel):
    """How a tenant's executions stand now."""

    at: datetime
    open: list[OpenOut]
    """Counted up to 100,000 executions."""
    oldest: list[OldestOut]
    waits: list[WaitsOut]
    """Of the 1,000 waiting executions that started last."""
    last_hour: RecentOut
    workers: QueuesOut
    journal: JournalOut
