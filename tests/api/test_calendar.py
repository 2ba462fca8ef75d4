"""Hours, days and weeks are those on the wall, also where clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from api.analytics.calendar import MOST_POINTS, Bucket, moments


def lengths(zone: str, bucket: Bucket, since: str, until: str) -> list[float]:
    ends = moments(datetime.fromisoformat(since), datetime.fromisoformat(until), bucket, ZoneInfo(zone))
    return [(high - low) / timedelta(hours=1) for low, high in pairwise(ends)]


@pytest.mark.parametrize(
    ("zone", "bucket", "since", "until", "hours"),
    [
        ("Europe/Berlin", "day", "2026-03-27T23:00Z", "2026-03-30T22:00Z", [24, 23, 24]),
        ("Europe/Berlin", "day", "2026-10-23T22:00Z", "2026-10-26T23:00Z", [24, 25, 24]),
        ("Europe/Berlin", "week", "2026-03-22T23:00Z", "2026-04-05T22:00Z", [167, 168]),
        ("Asia/Kolkata", "day", "2026-01-01T00:00Z", "2026-01-02T18:30Z", [18.5, 24]),
        ("Asia/Kathmandu", "hour", "2026-01-01T00:00Z", "2026-01-01T02:00Z", [0.25, 1, 0.75]),
        ("Australia/Lord_Howe", "hour", "2026-04-04T13:30Z", "2026-04-04T17:30Z", [0.5, 1.5, 1, 1]),
        ("Asia/Beirut", "day", "2026-03-27T22:00Z", "2026-03-30T21:00Z", [24, 23, 24]),
        ("UTC", "day", "2026-01-01T00:00Z", "2026-01-01T00:15Z", [0.25]),
    ],
)
def test_buckets_are_as_long_as_clocks_say(
    zone: str, bucket: Bucket, since: str, until: str, hours: list[float]
) -> None:
    assert lengths(zone, bucket, since, until) == hours


def test_nobody_counts_more_buckets_than_are_shown() -> None:
    since = datetime(2025, 1, 1, tzinfo=UTC)
    assert len(moments(since, since + timedelta(days=1_000), "hour", ZoneInfo("UTC"))) == MOST_POINTS + 3
