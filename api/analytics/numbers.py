"""Sums as numbers that people read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.analytics.asking import Range
from store import rollup_reading
from store.durations import durations
from store.rollup_reading import Sums
from store.session import Session

MICROSECONDS = 1_000_000
UNDECIDED = ("succeeded", "failed", "timed_out")
"""How what nobody stopped can end."""


@dataclass(frozen=True)
class Counts:
    """How many there were, and how they ended."""

    started: int
    open: int
    closed: int
    by_status: Mapping[str, int]
    success_rate: float | None
    retried: int


@dataclass(frozen=True)
class Spent:
    """What attempts used."""

    attempts: int
    busy_seconds: float
    cpu_seconds: float
    cost: Mapping[str, float]


@dataclass(frozen=True)
class Hits:
    """What came of looking for stored outputs."""

    hits: int
    misses: int
    hit_rate: float | None


def counts(sums: Sums) -> Counts:
    """How many there were."""
    by_status = statuses(sums)
    tried = sum(by_status.get(status, 0) for status in UNDECIDED)
    return Counts(
        started=sums.get("started", 0),
        open=sums.get("open", 0),
        closed=sum(by_status.values()),
        by_status=by_status,
        success_rate=by_status.get("succeeded", 0) / tried if tried else None,
        retried=sums.get("retried", 0),
    )


def hits(sums: Sums) -> Hits:
    """How often a stored output was there."""
    hits, misses = sums.get("hits", 0), sums.get("misses", 0)
    return Hits(hits, misses, hits / (hits + misses) if hits + misses else None)


def statuses(sums: Sums) -> dict[str, int]:
    """How many ended in which way."""
    return _named(sums, "s:")


def spent(sums: Sums) -> Spent:
    """What was used."""
    return Spent(
        attempts=sums.get("attempts", 0),
        busy_seconds=sums.get("busy", 0) / MICROSECONDS,
        cpu_seconds=sums.get("cpu", 0) / MICROSECONDS,
        cost={unit: amount / MICROSECONDS for unit, amount in _named(sums, "c:").items()},
    )


def numbers(sums: Sums, since: datetime, until: datetime, tz: str) -> dict[str, object]:
    """What happened in a span of time."""
    told, took = counts(sums), durations(sums)
    per_hour = told.closed / ((until - since) / timedelta(hours=1))
    return {**span(since, until, tz), "counts": told, "per_hour": per_hour, "durations": took}


async def range_of(session: Session, range: Range) -> dict[str, object]:
    """What the numbers are of, and how much of it counts already."""
    counted_from = await rollup_reading.counted_from(session)
    return {**span(range.since, range.until, range.tz), "counted_from": counted_from}


def span(since: datetime, until: datetime, tz: str) -> dict[str, object]:
    """A span of time."""
    return {"from": since, "to": until, "tz": tz}


def before(boundaries: Sequence[datetime]) -> list[datetime]:
    """The span of the same length that ended where this one begins, and this one's parts."""
    return [boundaries[0] - (boundaries[-1] - boundaries[0]), *boundaries]


def together(parts: Sequence[Sums]) -> dict[str, int]:
    """The sums of several."""
    made: dict[str, int] = {}
    for part in parts:
        for key, amount in part.items():
            made[key] = made.get(key, 0) + amount
    return made


def _named(sums: Sums, prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): n for key, n in sorted(sums.items()) if key.startswith(prefix)}
