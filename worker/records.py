"""What is kept of each attempt beside the execution's own events; records of their own, which no replay can rebuild."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True)
class LogLine:
    """One line that an activity wrote for people to see beside the node run."""

    at: float
    level: Level
    message: str


@dataclass(slots=True)
class Attempt:
    """One try of one node run, as it ended; an attempt that dies with its worker leaves none.

    Not frozen, since one is made for every attempt, and a frozen one takes twice the time."""

    tenant: str
    execution: str
    path: str
    attempt: int
    type: str
    started_at: float
    ended_at: float
    status: Literal["succeeded", "failed", "cancelled"]
    error: ErrorValue | None = None
    output: JsonValue = None
    """With the node's masks applied; null when it is large."""
    output_size: int | None = None
    """In bytes, before masking."""
    cached: bool = False
    """Whether nothing ran, as the output was stored before."""
    log: tuple[LogLine, ...] = ()
    log_dropped: int = 0
    """Lines beyond the attempt's share."""
