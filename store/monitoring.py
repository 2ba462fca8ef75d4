"""How a tenant's executions stand now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from store.session import Session

MOST = 100_000
"""Of each thing, so many are counted."""
LOOKED_AT = 1_000
"""Waiting executions, those that started last, that are asked what they wait for."""
OVERDUE = timedelta(minutes=2)
"""A journal that nobody has checked for so long after it should have been is late: passes come every half minute."""


@dataclass(frozen=True)
class Open:
    """Executions of one status that have not ended."""

    status: str
    count: int
    oldest: datetime
    """When the oldest of them started."""


@dataclass(frozen=True)
class Oldest:
    """An execution that has been open for long."""

    execution: str
    workflow: str
    version: int
    status: str
    started_at: datetime


@dataclass(frozen=True)
class Waits:
    """What executions wait for."""

    type: str | None
    """Of the node: `approval`, `ask`, `delay`, `wait_event`, `workflow`, …"""
    count: int


@dataclass(frozen=True)
class Journal:
    """How far behind the keeping of journals and sums is."""

    unchecked: int
    """Journals that should have been checked for holes a while ago."""
    oldest_unchecked: datetime | None
    """Since when the first of them should have been."""
    unfolded: int
    """Changes of sums that wait to be folded; they are read all the same."""


async def open_by_status(session: Session) -> list[Open]:
    """Count those that have not ended."""
    return [Open(*row) for row in await session.sql.execute(_OPEN, {"most": MOST})]


_OPEN = text("""
select status, count(*), min(started_at) from (
    select status, started_at from executions where closed_at is null and trigger <> 'test' limit :most
) as open group by status order by status
""")


async def oldest(session: Session, *, limit: int) -> Sequence[Oldest]:
    """Find those that have been open for longest."""
    return [Oldest(*row) for row in await session.sql.execute(_OLDEST, {"limit": limit})]


# Each status has its index in the order of starts, which ends where enough are found.
_OLDEST = text("""
select e.id, e.workflow, e.version, e.status, e.started_at
from unnest(array['queued', 'running', 'waiting', 'paused']) as s (status)
cross join lateral (
    select * from executions where status = s.status and closed_at is null and trigger <> 'test'
    order by started_at, id limit :limit
) as e
order by e.started_at, e.id limit :limit
""")


async def waits(session: Session) -> list[Waits]:
    """Count what waiting executions wait for, of those that started last."""
    return [Waits(*row) for row in await session.sql.execute(_WAITS, {"limit": LOOKED_AT})]


_WAITS = text("""
select n.type, count(*)
from (
    select id, attempt from executions where status = 'waiting' and trigger <> 'test'
    order by started_at desc, id desc limit :limit
) as e
cross join lateral (
    select type from node_runs where execution_id = e.id and attempt = e.attempt and status = 'waiting' limit 100
) as n
group by n.type order by count(*) desc, n.type
""")


async def journal(session: Session) -> Journal:
    """Tell what the passes that look after journals have left to do."""
    return Journal(*(await session.sql.execute(_JOURNAL, {"most": MOST, "overdue": OVERDUE})).one())


_JOURNAL = text("""
select late.count, late.oldest, fresh.count
from (
    select count(*), min(check_at) as oldest from (
        select check_at from executions
        where last_seq <> whole_seq and check_at < now() - :overdue and check_at > '-infinity' limit :most
    ) as one
) as late cross join (select count(*) from (select from rollup_deltas limit :most) as one) as fresh
""")
