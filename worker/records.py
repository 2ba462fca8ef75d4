"""What is kept of each attempt beside the execution's own events; records of their own, which no replay can rebuild."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue

Level = Literal["debug", "info", "warning", "error"]
Status = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class LogLine:
    """One line that an activity wrote for people to see beside the node run."""

    at: float
    level: Level
    message: str
    fields: Mapping[str, JsonValue] | None = None


@dataclass(slots=True)
class Lines:
    """What an attempt has logged so far and not told yet. Not frozen, as no record is."""

    tenant: str
    execution: str
    path: str
    attempt: int
    lines: tuple[LogLine, ...]


@dataclass(slots=True)
class Progress:
    """How far a lasting attempt has come."""

    tenant: str
    execution: str
    path: str
    attempt: int
    at: float
    fraction: float | None
    """Between 0 and 1; None: nobody knows."""
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
    status: Status
    error: ErrorValue | None = None
    output: bytes | None = None
    """As JSON text with the node's masks applied; None when it is large."""
    output_size: int | None = None
    """In bytes, before masking."""
    cached: bool | None = None
    """Whether nothing ran, as the output was stored before; None: it was not looked for."""
    stored: str | None = None
    """The stored output that was used."""
    log: tuple[LogLine, ...] = ()
    """What it had not told before it ended."""
    log_dropped: int = 0
    """Lines beyond the attempt's share."""
    worker: str = ""
    """The process that it ran in."""
    cpu_seconds: float = 0.0
    """What it computed itself, in the worker and in the sandbox for code; threads it hands work to are left out."""
    cost: Mapping[str, float] = field(default_factory=dict[str, float])
    """What it used up, by unit."""


Record = Lines | Progress | Attempt
