"""Gathers how a tenant's executions stand now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.analytics.numbers import counts, statuses
from api.queues import Queues, QueueStates
from store import monitoring, rollup_reading
from store.grains import QUARTER, ceiling, floor
from store.monitoring import Journal, Oldest, Open, Waits
from store.rollup_reading import Which
from store.session import Session

OLDEST = 5
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Recent:
    """What has happened in the last hour."""

    since: datetime
    started: int
    closed: dict[str, int]
    failed: int
    closed_per_minute: float
    node_runs_per_minute: float


@dataclass(frozen=True)
class Metrics:
    """How things stand."""

    at: datetime
    open: list[Open]
    oldest: list[Oldest]
    waits: list[Waits]
    last_hour: Recent
    workers: Queues
    journal: Journal


async def metrics(session: Session, queues: QueueStates) -> Metrics:
    """Ask the database and Temporal; whether the latter answers is part of the answer."""
    now = datetime.now(UTC)
    return Metrics(
        at=now,
        open=await monitoring.open_by_status(session),
        oldest=list(await monitoring.oldest(session, limit=OLDEST)),
        waits=await monitoring.waits(session),
        last_hour=await _recent(session, now),
        workers=await queues.now(),
        journal=await monitoring.journal(session),
    )


async def _recent(session: Session, now: datetime) -> Recent:
    since = floor(now - HOUR, QUARTER)
    span = [since, ceiling(now, QUARTER)]
    executions = (await rollup_reading.sums(session, span, Which())).get((1,), {})
    runs = (await rollup_reading.sums(session, span, Which(), nodes=True)).get((1,), {})
    told, minutes = counts(executions), (now - since) / MINUTE
    closed = dict(told.by_status)
    return Recent(
        since=since,
        started=told.started,
        closed=closed,
        failed=closed.get("failed", 0) + closed.get("timed_out", 0),
        closed_per_minute=told.closed / minutes,
        node_runs_per_minute=sum(statuses(runs).values()) / minutes,
    )
