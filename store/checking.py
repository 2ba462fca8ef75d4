"""Which journals are to be mended: those with a broken chain, and those that Temporal may know the end of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from store.arrays import array
from store.ids import ExecutionId
from store.session import Session

LOOK_AGAIN = timedelta(minutes=1)
"""The least time before an execution is looked at again; it grows to the time for which it has been quiet."""


async def broken(session: Session, *, limit: int) -> tuple[list[ExecutionId], bool]:
    """Check the journals that have grown and been quiet since: those that are whole are marked, the others given, and
    whether there are more to check."""
    rows = (await session.sql.execute(_BROKEN, {"limit": limit, "least": LOOK_AGAIN})).all()
    return [ExecutionId(id) for id, is_broken in rows if is_broken], len(rows) == limit


# Link by link; a strand's first event comes after number 0, whose checksum is 0.
_BROKEN = text("""
with candidate as materialized (
    select id, last_seq from executions
    where last_seq <> whole_seq and check_at < clock_timestamp()
    order by check_at limit :limit
), link as (
    select e.execution_id, e.n, e.previous,
        lag(e.n, 1, 0) over chain as n_before, lag(e.checksum, 1, cast(0 as bigint)) over chain as checksum_before
    from candidate as c join events as e on e.execution_id = c.id
    where e.strand is not null and e.type <> 'replaced'
    window chain as (partition by e.execution_id, e.attempt, e.strand order by e.n)
), verdict as (
    select c.id, c.last_seq,
        coalesce(bool_or(link.n <> link.n_before + 1 or link.previous <> link.checksum_before), false) as broken
    from candidate as c left join link on link.execution_id = c.id
    group by c.id, c.last_seq
), looked_at as (
    update executions as e
    set whole_seq = case when v.broken then e.whole_seq else v.last_seq end,
        check_at = case
            when v.broken then clock_timestamp() + greatest(:least, clock_timestamp() - e.updated_at)
            when e.check_at = '-infinity' then e.check_at
            else e.updated_at + :least end
    from verdict as v where e.id = v.id and e.last_seq = v.last_seq
)
select id, broken from verdict order by id
""")


@dataclass(frozen=True)
class Quiet:
    """An execution that is open here and has been quiet for long."""

    execution: ExecutionId
    healed: str | None
    """How far Temporal had come when it was last replayed."""


async def quiet(session: Session, *, limit: int) -> list[Quiet]:
    """Find some, longest overdue first. They are given again when they have been quiet for twice as long, so that
    thousands that wait cost little."""
    rows = await session.sql.execute(_QUIET, {"limit": limit, "least": LOOK_AGAIN})
    return [Quiet(ExecutionId(id), healed) for id, healed in rows]


async def healed(session: Session, execution: ExecutionId, seen: str) -> None:
    """Note how far Temporal had come when its history was replayed."""
    await session.sql.execute(_HEALED, {"id": execution, "seen": seen})


_HEALED = text("update executions set healed = :seen where id = :id")


_QUIET = text("""
with overdue as (
    select id from executions where closed_at is null and check_at < clock_timestamp() order by check_at limit :limit
)
update executions as e set check_at = clock_timestamp() + greatest(:least, clock_timestamp() - e.updated_at)
from overdue where e.id = overdue.id
returning e.id, e.healed
""")


async def look_at(session: Session, execution: ExecutionId) -> None:
    """Have an execution looked at soon, if it is open and has been quiet for a while: somebody reads it."""
    await session.sql.execute(_LOOK_AT, {"id": execution})


_LOOK_AT = text("""
update executions set check_at = '-infinity'
where id = :id and closed_at is null and check_at > clock_timestamp()
    and updated_at < clock_timestamp() - interval '10 seconds'
""")


async def leave(session: Session, execution: ExecutionId) -> None:
    """Do not look at it again while nothing more is written of it: Temporal has forgotten it."""
    await session.sql.execute(_LEAVE, {"id": execution})


_LEAVE = text("update executions set check_at = 'infinity' where id = :id")


async def not_closed(session: Session, executions: Mapping[ExecutionId, datetime]) -> list[ExecutionId]:
    """Of executions whose last runs began then and have ended, those of which the journal does not know it, in their
    order. What ended before that was an earlier attempt."""
    ids = array(executions)
    known = set(await session.sql.scalars(_CLOSED, {"ids": ids, "began": array(executions.values())}))
    return [id for id in executions if id not in known]


_CLOSED = text("""
select e.id from unnest(cast(:ids as text[]), cast(:began as timestamptz[])) as run (id, began)
join executions as e on e.id = run.id where e.closed_at >= run.began
""")
