"""Step events: what happened in an execution, numbered and chained by the strand that says it."""

import zlib
from dataclasses import dataclass
from typing import Literal

import orjson
from pydantic import JsonValue

EventType = Literal[
    "execution.started",
    "execution.succeeded",
    "execution.failed",
    "execution.cancelled",
    "execution.timed_out",
    "execution.queued",
    "execution.search",
    "execution.paused",
    "execution.resumed",
    "execution.cancelling",
    "execution.retried",
    "execution.rerun_of",
    "execution.rolled_back",
    "node.started",
    "node.waiting",
    "node.succeeded",
    "node.failed",
    "node.skipped",
    "node.cancelled",
    "batch.started",
    "batch.ended",
    "strand.ended",
    "task.voted",
    "task.reminded",
    "task.escalated",
    "compensation.started",
    "compensation.ended",
    "on_failure.started",
    "on_failure.failed",
    "variables.edited",
    "node.skipping",
    "debug.enabled",
    "debug.disabled",
    "debug.stepped",
    "debug.breakpoint_set",
    "debug.breakpoint_cleared",
    "debug.held",
]

ENDS: frozenset[EventType] = frozenset(
    {"execution.succeeded", "execution.failed", "execution.cancelled", "execution.timed_out"}
)
"""Those after which an execution is over."""


@dataclass(slots=True)
class StepEvent:
    """One thing that happened. `n` counts from 1 within a strand; `previous` is the checksum of event n - 1.

    Not frozen, since two are made for every node, and a frozen one takes twice the time."""

    execution: str
    attempt: int
    strand: str
    n: int
    type: EventType
    path: str
    at: float
    """Seconds since the epoch, by Temporal's clock."""
    data: JsonValue
    previous: int
    checksum: int
    task: int
    """The history length of the workflow task that said it: of two writers of one number, the later task is right."""
    tenant: str = ""
    """Whose execution it is."""


def checksum(previous: int, n: int, type: EventType, path: str, data: JsonValue) -> int:
    """Chain an event to the one before it. Time is left out: a replay says the same event at the same time anyway."""
    return zlib.crc32(orjson.dumps([n, type, path, data]), previous)
