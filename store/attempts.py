"""The attempts of node runs, as the records of those that have ended tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from store.sealing import Seal

TYPES = {"attempt.succeeded": "succeeded", "attempt.failed": "failed", "attempt.cancelled": "cancelled"}
"""The types of their entries in the journal, each with the status that it tells."""


@dataclass(frozen=True)
class Attempt:
    """One try of a node run, as it ended."""

    attempt: int
    status: str
    started_at: datetime
    ended_at: datetime
    error: Any
    worker: str | None
    """The process that it ran in."""
    cpu_seconds: float
    cost: Mapping[str, float]
    """What it used up, by unit."""
    cached: bool
    log_dropped: int
    """Lines that it logged beyond its share."""


def read(seal: Seal, type: str, at: datetime, data: bytes | None) -> Attempt:
    """Read what an entry of the journal tells."""
    told = cast(dict[str, Any], {} if data is None else orjson.loads(seal.open(data)))
    seconds = told.get("seconds", 0.0)
    return Attempt(
        attempt=told.get("attempt", 1),
        status=TYPES[type],
        started_at=at - timedelta(seconds=seconds),
        ended_at=at,
        error=told.get("error"),
        worker=told.get("worker"),
        cpu_seconds=told.get("cpu_seconds", 0.0),
        cost=told.get("cost", {}),
        cached=told.get("cached", False),
        log_dropped=told.get("log_dropped", 0),
    )


def in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Sort them as they began."""
    return sorted(attempts, key=lambda each: (each.started_at, each.attempt))
