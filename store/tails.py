"""What came after a point in the journal of an execution, in pages of bounded size, with where the execution stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from store.events import Event
from store.execution_search import Listed
from store.executions import ExecutionUnknown
from store.ids import ExecutionId
from store.json_text import opened
from store.session import Session

LAST = 2**63 - 1
"""No number of an event is larger."""
PAGE_EVENTS = 500
PAGE_BYTES = 64 * 1024
"""A page goes over it by its last event only."""


@dataclass(frozen=True)
class Standing(Listed):
    """An execution as lists show it, and how far its journal goes."""

    seq: int
    """Of its newest event."""


@dataclass(frozen=True)
class Tail:
    """Some events in order, and the execution as it stood when they were read."""

    standing: Standing
    events: Sequence[Event]


async def standing(session: Session, id: ExecutionId) -> Standing:
    """Where an execution stands. Raises ExecutionUnknown."""
    return (await tail(session, id, since=LAST)).standing


async def tail(session: Session, id: ExecutionId, *, since: int, until: int = LAST) -> Tail:
    """Read the events after one number and up to another, in one statement. Raises ExecutionUnknown."""
    values = {"id": id, "since": since, "until": until, "most": PAGE_EVENTS, "bytes": PAGE_BYTES}
    rows = (await session.sql.execute(_TAIL, values)).all()
    if not rows:
        raise ExecutionUnknown(f"There is no execution `{id}`.")
    return Tail(_standing(rows[0]), [_event(session, row) for row in rows if row.event_seq is not None])


_TAIL = text("""
select
    x.id, x.workflow, x.workflow_id, x.version, x.status, x.compensation, x.attempt, x.trigger, x.labels, x.error_code,
    x.started_at, x.closed_at, x.parent_execution, x.parent_path, x.last_seq,
    e.seq as event_seq, e.at, e.type, e.path, e.attempt as event_attempt, e.data
from executions as x
left join lateral (
    select * from (
        select seq, at, type, path, attempt, data,
            sum(coalesce(octet_length(data), 0)) over (order by seq) - coalesce(octet_length(data), 0) as before
        from (
            select * from events
            where execution_id = x.id and seq > :since and seq <= :until
            order by seq limit :most
        ) as following
    ) as weighed
    where before < :bytes
) as e on true
where x.id = :id
order by e.seq
""")


def _standing(row: Any) -> Standing:
    return Standing(
        id=row.id,
        workflow=row.workflow,
        workflow_id=row.workflow_id,
        version=row.version,
        status=row.status,
        compensation=row.compensation,
        attempt=row.attempt,
        trigger=row.trigger,
        labels=row.labels,
        error_code=row.error_code,
        started_at=row.started_at,
        closed_at=row.closed_at,
        parent_execution=row.parent_execution,
        parent_path=row.parent_path,
        seq=row.last_seq,
    )


def _event(session: Session, row: Any) -> Event:
    at: datetime = row.at
    return Event(row.event_seq, at, row.type, row.path, row.event_attempt, opened(session.seal, row.data))
