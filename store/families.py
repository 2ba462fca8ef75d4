"""Which executions others have started."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from store.arrays import array
from store.ids import ExecutionId
from store.session import Session


@dataclass(frozen=True)
class Child:
    """An execution that another one started."""

    id: ExecutionId
    started_at: datetime


async def children(
    session: Session, parents: Iterable[ExecutionId], *, since: datetime | None, limit: int
) -> Sequence[Child]:
    """List the executions that some have started themselves, those that started at a time or later, the oldest
    first."""
    values = {"parents": array(parents), "since": since, "limit": limit}
    return [Child(ExecutionId(id), at) for id, at in await session.sql.execute(_CHILDREN, values)]


_CHILDREN = text("""
select id, started_at from executions
where parent_execution = any(cast(:parents as text[]))
    and started_at >= coalesce(cast(:since as timestamptz), '-infinity')
order by started_at, id limit :limit
""")
