"""Cuts spans of time into what sums are kept of: hours, six hours, days and tens of days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

QUARTER = timedelta(minutes=15)
HOUR, SIX_HOURS, DAY, TEN_DAYS = 0, 1, 2, 3
_COARSE = ((TEN_DAYS, timedelta(days=10)), (DAY, timedelta(days=1)), (SIX_HOURS, timedelta(hours=6)))
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Segment:
    """A part of the span `number`, counted from 1, that sums of one grain make up. Only hours begin and end within."""

    number: int
    grain: int
    low: datetime
    high: datetime


def segments(boundaries: Sequence[datetime]) -> list[Segment]:
    """Cut the spans between moments that follow each other."""
    return [
        Segment(number, *part)
        for number, (low, high) in enumerate(pairwise(boundaries), 1)
        for part in _cut(low, high, _COARSE)
    ]


def floor(at: datetime, width: timedelta) -> datetime:
    """The last moment up to this one at which something of that width begins."""
    return at - (at - _ORIGIN) % width


def ceiling(at: datetime, width: timedelta) -> datetime:
    """The first moment from this one on at which something of that width begins."""
    return at + (_ORIGIN - at) % width


Part = tuple[int, datetime, datetime]


def _cut(low: datetime, high: datetime, grains: Sequence[tuple[int, timedelta]]) -> Iterator[Part]:
    if low >= high:
        return
    if not grains:
        yield HOUR, low, high
        return
    (grain, width), finer = grains[0], grains[1:]
    first, last = ceiling(low, width), floor(high, width)
    if first >= last:
        yield from _cut(low, high, finer)
        return
    yield from _cut(low, first, finer)
    yield grain, first, last
    yield from _cut(last, high, finer)
