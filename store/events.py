"""The journal of an execution, as its readers see it: numbered without holes, and never stepping back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlmodel import col, select

from store.ids import ExecutionId
from store.json_text import opened
from store.session import Session
from store.tables.executions import EventRow


@dataclass(frozen=True)
class Event:
    """One entry of the journal; its data is JSON as it was written."""

    seq: int
    at: datetime
    type: str
    path: str
    attempt: int
    data: orjson.Fragment | None


async def page(session: Session, execution: ExecutionId, *, since: int, limit: int) -> Sequence[Event]:
    """List the entries that come after a number."""
    query = (
        select(EventRow)
        .where(col(EventRow.execution_id) == execution, col(EventRow.seq) > since)
        .order_by(col(EventRow.seq))
        .limit(limit)
    )
    return [
        Event(row.seq, row.at, row.type, row.path, row.attempt, opened(session.seal, row.data))
        for row in await session.sql.scalars(query)
    ]
