"""Pages of analytics and monitoring, as the API answers them, over a crowded database."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.analytics import cost, performance, stats, trends
from api.analytics.asking import LASTS, Last, Range
from api.analytics.calendar import moments
from benchmarks.crowd.filling import UNTIL, WORKFLOWS
from benchmarks.crowd.questions import Question
from store import monitoring, rollup_reading
from store.grains import QUARTER
from store.rollup_reading import Which
from store.session import Session

TOP = 20
_Page = Callable[[Session, Range, Which], Awaitable[object]]


def pages() -> Mapping[str, Question]:
    """By what they are for. Each time a range ends at another quarter of an hour, and is of another workflow."""
    found: dict[str, Question] = {}
    for name, page in _PAGES.items():
        for last in LASTS:
            found[f"{name}, {last}"] = _asked(page, last, lambda _: Which())
        found[f"{name}, 90d, Europe/Berlin"] = _asked(page, "90d", lambda _: Which(), tz="Europe/Berlin")
        found[f"{name}, 90d, Asia/Kathmandu"] = _asked(page, "90d", lambda _: Which(), tz="Asia/Kathmandu")
        found[f"{name}, 7d, of a workflow"] = _asked(page, "7d", lambda n: Which(workflow=_workflow(n)))
        found[f"{name}, 90d, of a workflow"] = _asked(page, "90d", lambda n: Which(workflow=_workflow(n)))
        found[f"{name}, 90d, of a version"] = _asked(
            page, "90d", lambda n: Which(workflow=_workflow(n), version=1 + n % 5)
        )
        found[f"{name}, 90d, by a trigger"] = _asked(
            page, "90d", lambda n: Which(trigger=("api", "schedule", "webhook", "workflow")[n % 4])
        )
    found["a node, 90d"] = lambda s, n: rollup_reading.sums(
        s, _span("90d", n), Which(workflow=_workflow(n), node="each.stock"), nodes=True, kind="durations"
    )
    return found


def monitored() -> Mapping[str, Question]:
    """What monitoring asks the database."""
    return _MONITORING


async def _stats(session: Session, range: Range, which: Which) -> object:
    return await stats.stats(session, range, which, TOP)


async def _performance(session: Session, range: Range, which: Which) -> object:
    return await performance.performance(session, range, which, TOP)


async def _trends(session: Session, range: Range, which: Which) -> object:
    return await trends.trends(session, range, which, _points(range))


async def _cost(session: Session, range: Range, which: Which) -> object:
    return await cost.cost(session, range, which, _points(range), top=TOP, unit=None)


_PAGES: Mapping[str, _Page] = {"stats": _stats, "performance": _performance, "trends": _trends, "cost": _cost}
_MONITORING: Mapping[str, Question] = {
    "monitoring: what is open": lambda s, _: monitoring.open_by_status(s),
    "monitoring: the oldest": lambda s, _: monitoring.oldest(s, limit=5),
    "monitoring: what is waited for": lambda s, _: monitoring.waits(s),
    "monitoring: the journal": lambda s, _: monitoring.journal(s),
    "monitoring: executions of an hour": lambda s, n: rollup_reading.sums(s, _hour(n), Which()),
    "monitoring: node runs of an hour": lambda s, n: rollup_reading.sums(s, _hour(n), Which(), nodes=True),
}


def _asked(page: _Page, last: Last, which: Callable[[int], Which], *, tz: str = "UTC") -> Question:
    def asks(session: Session, n: int) -> Awaitable[object]:
        since, until = _span(last, n)
        return page(session, Range(since, until, tz), which(n))

    return asks


def _span(last: Last, n: int) -> list[datetime]:
    until = UNTIL - n % 40 * QUARTER
    return [until - LASTS[last], until]


def _hour(n: int) -> list[datetime]:
    until = UNTIL - n % 40 * QUARTER
    return [until - timedelta(hours=1), until]


def _points(range: Range) -> list[datetime]:
    bucket = "hour" if range.until - range.since <= timedelta(days=3) else "day"
    return moments(range.since, range.until, bucket, ZoneInfo(range.tz))


def _workflow(n: int) -> str:
    return f"w-{n % WORKFLOWS}"
