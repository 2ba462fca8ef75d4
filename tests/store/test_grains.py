"""Spans of time fall into what sums are kept of, without a gap and without anything twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from store.grains import DAY, HOUR, QUARTER, SIX_HOURS, TEN_DAYS, segments

WIDTHS = {HOUR: QUARTER, SIX_HOURS: timedelta(hours=6), DAY: timedelta(days=1), TEN_DAYS: timedelta(days=10)}
ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
MOMENTS = st.lists(st.integers(0, 200_000), min_size=2, max_size=6, unique=True).map(
    lambda quarters: [datetime(2025, 6, 1, tzinfo=UTC) + n * QUARTER for n in sorted(quarters)]
)


@given(MOMENTS)
def test_parts_follow_each_other_and_begin_where_sums_of_their_grain_do(moments: list[datetime]) -> None:
    cut = segments(moments)
    assert (cut[0].low, cut[-1].high) == (moments[0], moments[-1])
    assert all(one.high == other.low for one, other in pairwise(cut))
    assert all((end - ORIGIN) % WIDTHS[part.grain] == timedelta(0) for part in cut for end in (part.low, part.high))
    for number, span in enumerate(pairwise(moments), 1):
        parts = [part for part in cut if part.number == number]
        assert (parts[0].low, parts[-1].high) == span


@given(MOMENTS)
def test_nothing_longer_is_read_by_the_hour_or_by_the_day(moments: list[datetime]) -> None:
    for part in segments(moments):
        if part.grain == HOUR:
            assert part.high - part.low < timedelta(hours=12)
        if part.grain == SIX_HOURS:
            assert part.high - part.low < timedelta(days=2)
        if part.grain == DAY:
            assert part.high - part.low < timedelta(days=20)
