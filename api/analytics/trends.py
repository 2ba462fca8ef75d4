"""What happened to executions as time went by."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from api.analytics.asking import Range
from api.analytics.numbers import before, numbers, range_of, together
from store import rollup_reading
from store.rollup_reading import Which
from store.session import Session


async def trends(session: Session, range: Range, which: Which, points: Sequence[datetime]) -> dict[str, object]:
    """Tell of each bucket of a range, of all together, and of as much time before."""
    spans = list(pairwise(before(points)))
    found = await rollup_reading.sums(session, before(points), which, kind="durations")
    parts = [found.get((number,), {}) for number, _ in enumerate(spans, 1)]
    told = [numbers(part, *span, range.tz) for part, span in zip(parts, spans, strict=True)]
    return {
        **await range_of(session, range),
        "total": numbers(together(parts[1:]), range.since, range.until, range.tz),
        "before": told[0],
        "points": told[1:],
    }
