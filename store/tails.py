"""What came after a point in the journals of executions, in pages of bounded size, with where the executions stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import text

from store.arrays import array
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


@dataclass(frozen=True)
class Wanted:
    """What is to be read of one execution: the events after one number and up to another."""

    id: ExecutionId
    since: int
    until: int = LAST


async def standing(session: Session, id: ExecutionId) -> Standing:
    """Where an execution stands. Raises ExecutionUnknown."""
    return (await tail(session, Wanted(id, since=LAST))).standing


async def tail(session: Session, wanted: Wanted) -> Tail:
    """Read of one execution. Raises ExecutionUnknown."""
    found = (await tails(session, [wanted])).get(wanted.id)
    if found is None:
        raise ExecutionUnknown(f"There is no execution `{wanted.id}`.")
    return found


async def tails(session: Session, wanted: Sequence[Wanted]) -> Mapping[ExecutionId, Tail]:
    """Read of several executions, each once, in one statement; what is not there is left out."""
    values = {
        "ids": array(each.id for each in wanted),
        "since": array(each.since for each in wanted),
        "until": array(each.until for each in wanted),
        "most": PAGE_EVENTS,
        "bytes": PAGE_BYTES,
    }
    rows = (await session.sql.execute(_TAILS, values)).all()
    grouped = {ExecutionId(id): [*group] for id, group in groupby(rows, key=lambda row: row.id)}
    return {
        id: Tail(_standing(group[0]), [_event(session, row) for row in group if row.event_seq is not None])
        for id, group in grouped.items()
    }


_TAILS = text("""
select
    x.id, x.workflow, x.workflow_id, x.version, x.status, x.compensation, x.attempt, x.trigger, x.labels, x.error_code,
    x.started_at, x.closed_at, x.parent_execution, x.parent_path, x.rerun_of, x.last_seq,
    e.seq as event_seq, e.at, e.type, e.path, e.attempt as event_attempt, e.data
from unnest(cast(:ids as text[]), cast(:since as bigint[]), cast(:until as bigint[])) as wanted (id, since, until)
join executions as x on x.id = wanted.id
left join lateral (
    select * from (
        select seq, at, type, path, attempt, data,
            sum(coalesce(octet_length(data), 0)) over (order by seq) - coalesce(octet_length(data), 0) as before
        from (
            select * from events
            where execution_id = wanted.id and seq > wanted.since and seq <= wanted.until
            order by seq limit :most
        ) as following
    ) as weighed
    where before < :bytes
) as e on true
order by x.id, e.seq
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
        rerun_of=row.rerun_of,
        seq=row.last_seq,
    )


def _event(session: Session, row: Any) -> Event:
    at: datetime = row.at
    return Event(row.event_seq, at, row.type, row.path, row.event_attempt, opened(session.seal, row.data))
