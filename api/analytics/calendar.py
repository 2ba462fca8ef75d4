"""Where hours, days and weeks begin in a time zone, as its clocks and its summer time say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from store.grains import QUARTER, ceiling, floor

Bucket = Literal["hour", "day", "week"]

MOST_POINTS = 1_000


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """The names of all time zones, as far as this machine has them."""
    return frozenset(available_timezones() | {"UTC"})


def moments(since: datetime, until: datetime, bucket: Bucket, zone: ZoneInfo) -> list[datetime]:
    """The ends of all buckets within a span, and its own two: its first and last bucket may be parts of one. One more
    than MOST_POINTS stands for all that would be too many."""
    inner: list[datetime] = []
    for moment in _beginnings(since, bucket, zone):
        if moment >= until or len(inner) > MOST_POINTS:
            break
        if moment > since:
            inner.append(moment)
    return [since, *inner, until]


def _beginnings(since: datetime, bucket: Bucket, zone: ZoneInfo) -> Iterator[datetime]:
    """Where buckets begin, from a little before a moment on."""
    if bucket == "hour":
        at = floor(since, QUARTER)
        while True:
            # Whole hours on the wall: where clocks change by half an hour, or differ by one, they are not those of UTC.
            if at.astimezone(zone).minute == 0:
                yield at
            at += QUARTER
    local = since.astimezone(zone).date()
    step = timedelta(days=1)
    if bucket == "week":
        local -= timedelta(days=local.weekday())
        step = timedelta(days=7)
    while True:
        # Where clocks skip midnight, the day begins at what they skip to.
        yield ceiling(datetime(local.year, local.month, local.day, tzinfo=zone).astimezone(UTC), QUARTER)
        local += step
