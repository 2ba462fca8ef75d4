"""What a stream of an execution begins with: where it stands, and its first node runs, without what they gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from store.ids import ExecutionId
from store.session import Session
from store.tables.executions import NodeRunRow
from store.tails import Standing, standing

MOST_NODES = 500


@dataclass(frozen=True)
class NodeStanding:
    """A node run, without its output and error, which may be large."""

    path: str
    type: str | None
    status: str
    port: str | None
    error_code: str | None
    cached: bool
    started_at: datetime | None
    ended_at: datetime | None
    seq: int
    """Of its first event."""


@dataclass(frozen=True)
class Snapshot:
    """An execution at one moment, of the newest attempt at it."""

    execution: Standing
    nodes: Sequence[NodeStanding]
    more_nodes: bool
    """Whether there are others, which lists give."""


async def snapshot(session: Session, id: ExecutionId) -> Snapshot:
    """Read an execution. Its node runs are at least as new as its number says. Raises ExecutionUnknown."""
    execution = await standing(session, id)
    row = NodeRunRow
    asked = (
        select(
            col(row.path),
            col(row.type),
            col(row.status),
            col(row.port),
            col(row.error_code),
            col(row.cached),
            col(row.started_at),
            col(row.ended_at),
            col(row.first_seq),
        )
        .where(col(row.execution_id) == id, col(row.attempt) == execution.attempt)
        .order_by(col(row.first_seq))
        .limit(MOST_NODES + 1)
    )
    nodes = [NodeStanding(*each) for each in await session.sql.execute(asked)]
    return Snapshot(execution, nodes[:MOST_NODES], len(nodes) > MOST_NODES)
