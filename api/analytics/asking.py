"""What requests for analytics say: a range of time, and of what."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NoReturn
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from pydantic import AwareDatetime

from api.analytics.calendar import MOST_POINTS, Bucket, moments, zones
from api.dependencies import Session
from api.parameters import Whole
from api.problems import RequestInvalid
from store import rollup_reading, workflows
from store.grains import QUARTER, ceiling, floor

Last = Literal["24h", "7d", "30d", "90d"]
LASTS: dict[Last, timedelta] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Range:
    """Whole quarters of an hour, and the zone that people read them in."""

    since: datetime
    until: datetime
    tz: str

    @property
    def zone(self) -> ZoneInfo:
        """Whose hours and days are meant."""
        return ZoneInfo(self.tz)


async def asked_range(
    since: Annotated[
        AwareDatetime | None, Query(alias="from", description="Its quarter of an hour is the first.")
    ] = None,
    until: Annotated[
        AwareDatetime | None, Query(alias="to", description="Its quarter of an hour is the last. Without it: now.")
    ] = None,
    last: Annotated[Last | None, Query(description="Up to now, instead of `from` and `to`. Without any: 7d.")] = None,
    tz: Annotated[
        str, Query(pattern="^[A-Za-z0-9_+/-]{1,64}$", description="A time zone, as `Europe/Berlin`.")
    ] = "UTC",
) -> Range:
    """The range of time that is meant."""
    if tz not in zones():
        _refuse("tz", f"There is no time zone `{tz}`.")
    if last is not None and (since is not None or until is not None):
        _refuse("last", "`last` stands for `from` and `to`: give it or them.")
    if since is None and until is not None:
        _refuse("from", "`to` wants a `from`.")
    end = ceiling(_within(until or datetime.now(UTC)), QUARTER)
    begin = end - LASTS[last or "7d"] if since is None else floor(_within(since), QUARTER)
    if begin >= end:
        _refuse("from", "`from` must be before `to`.")
    if end - begin > LONGEST:
        _refuse("from", "A range has three years at most.")
    return Range(begin, end, tz)


async def which(
    session: Session,
    workflow: Annotated[str | None, Query(pattern="^[a-z][a-z0-9_-]{0,62}$", description="A name or an id.")] = None,
    version: Annotated[Whole | None, Query(ge=1, lt=2**31, description="Of the workflow.")] = None,
    trigger: Annotated[str | None, Query(pattern="^[a-z_.]{1,63}$")] = None,
) -> rollup_reading.Which:
    """Of what numbers are asked for."""
    if version is not None and workflow is None:
        _refuse("workflow", "A version is one of a workflow: name that too.")
    name = None if workflow is None else await workflows.name(session, workflow)
    return rollup_reading.Which(workflow=name, version=version, trigger=trigger)


async def points(
    range: Annotated[Range, Depends(asked_range)],
    bucket: Annotated[Bucket | None, Query(description="Without it: hours in up to 3 days, else days.")] = None,
) -> list[datetime]:
    """The ends of the buckets of a range."""
    chosen = bucket or ("hour" if range.until - range.since <= timedelta(days=3) else "day")
    found = moments(range.since, range.until, chosen, range.zone)
    if len(found) > MOST_POINTS + 1:
        _refuse("bucket", f"That would be more than {MOST_POINTS:,} points: ask for longer buckets.")
    return found


def _within(at: datetime) -> datetime:
    return min(max(at.astimezone(UTC), EARLIEST), LATEST)


def _refuse(name: str, message: str) -> NoReturn:
    problem: dict[str, Any] = {"code": "invalid_value", "in": "query", "path": f"/{name}", "message": message}
    raise RequestInvalid([problem])


AskedRange = Annotated[Range, Depends(asked_range)]
Which = Annotated[rollup_reading.Which, Depends(which)]
Points = Annotated[list[datetime], Depends(points)]
Top = Annotated[Whole, Query(ge=1, le=100, description="How many of each kind are named.")]
"""Give it `= 20`."""
