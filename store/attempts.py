"""The attempts of node runs, as the records of those that have ended tell."""

from collections.abc import Sequence
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


def read(seal: Seal, type: str, at: datetime, data: bytes | None) -> Attempt:
    """Read what an entry of the journal tells."""
    told = cast(dict[str, Any], {} if data is None else orjson.loads(seal.open(data)))
    seconds = told.get("seconds", 0.0)
    return Attempt(told.get("attempt", 1), TYPES[type], at - timedelta(seconds=seconds), at, told.get("error"))


def in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Sort them as they began."""
    return sorted(attempts, key=lambda each: (each.started_at, each.attempt))
