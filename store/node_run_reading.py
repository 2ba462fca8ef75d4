"""The node runs of an execution, as readers see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import orjson
from sqlalchemy import func, or_, select, true
from sqlmodel import col

from dag.errors import PerdureError
from store.ids import ExecutionId
from store.json_text import opened
from store.session import Session
from store.tables.executions import EventRow, NodeRunRow


class NodeRunUnknown(PerdureError):
    """There is no such node run in this execution, or it has not begun."""

    code = "node.unknown"


@dataclass(frozen=True)
class NodeRun:
    """One time a node ran. Output and error are JSON as it was written, without what is masked."""

    path: str
    attempt: int
    type: str | None
    status: str
    port: str | None
    output: orjson.Fragment | None
    output_bytes: int | None
    error: orjson.Fragment | None
    error_code: str | None
    cached: bool
    """Whether its output was stored before, and nothing ran."""
    reused: bool
    """Whether it was taken over from an earlier attempt, or from the execution that this is a rerun of."""
    started_at: datetime | None
    ended_at: datetime | None
    seq: int
    """Of its first event."""


@dataclass(frozen=True)
class Wait:
    """Something that an execution waits for."""

    path: str
    type: str | None
    since: datetime
    until: str | None
    """When it goes on by itself."""


async def page(
    session: Session,
    execution: ExecutionId,
    *,
    attempt: int,
    status: Sequence[str],
    under: str | None,
    after: int,
    limit: int,
) -> Sequence[NodeRun]:
    """List the node runs of one attempt at an execution as they began, those after a number; `under` a path are the
    node run of that path itself and all inside it."""
    row = NodeRunRow
    query = select(row).where(
        col(row.execution_id) == execution, col(row.attempt) == attempt, col(row.first_seq) > after
    )
    if status:
        query = query.where(col(row.status).in_(status))
    if under is not None:
        path = col(row.path)
        query = query.where(or_(path == under, *(func.starts_with(path, under + end) for end in ".[")))
    found = await session.sql.scalars(query.order_by(col(row.first_seq)).limit(limit))
    return [_read(session, each) for each in found]


async def find(session: Session, execution: ExecutionId, path: str, *, attempt: int) -> NodeRun:
    """Find one by its path."""
    row = NodeRunRow
    query = select(row).where(col(row.execution_id) == execution, col(row.attempt) == attempt, col(row.path) == path)
    found = (await session.sql.scalars(query)).first()
    if found is None:
        raise NodeRunUnknown(f"There is no node run `{path}` in this execution, or it has not begun.")
    return _read(session, found)


async def done(session: Session, execution: ExecutionId, ids: Sequence[str]) -> Mapping[str, str | None]:
    """Of nodes of the document's own graph, those that have succeeded in any attempt and were not undone in the last
    one, with their types."""
    row = NodeRunRow
    paths = [*ids, *(f"{id}.compensate" for id in ids)]
    query = (
        select(col(row.path), col(row.type))
        .where(col(row.execution_id) == execution, col(row.path).in_(paths), col(row.status) == "succeeded")
        .order_by(col(row.attempt), col(row.first_seq))
    )
    found: dict[str, str | None] = {}
    for path, type in await session.sql.execute(query):
        if path in ids:
            found[path] = type
        else:
            found.pop(path.removesuffix(".compensate"), None)
    return found


async def waiting(session: Session, execution: ExecutionId, *, attempt: int, limit: int) -> Sequence[Wait]:
    """What an execution waits for: each node run that waits, with what it said of that last."""
    run, event = NodeRunRow, EventRow
    said = (
        select(col(event.at), col(event.data))
        .where(
            col(event.execution_id) == execution,
            col(event.path) == col(run.path),
            col(event.attempt) == attempt,
            col(event.type) == "node.waiting",
        )
        .order_by(col(event.seq).desc())
        .limit(1)
        .lateral()
    )
    query = (
        select(col(run.path), col(run.type), said.c.at, said.c.data)
        .join(said, onclause=true())
        .where(col(run.execution_id) == execution, col(run.attempt) == attempt, col(run.status) == "waiting")
        .order_by(col(run.first_seq))
        .limit(limit)
    )
    rows = await session.sql.execute(query)
    return [Wait(path, type, at, _until(session, data)) for path, type, at, data in rows]


def _until(session: Session, data: bytes | None) -> str | None:
    said = {} if data is None else cast(dict[str, str | None], orjson.loads(session.seal.open(data)))
    return said.get("until")


def _read(session: Session, row: NodeRunRow) -> NodeRun:
    return NodeRun(
        path=row.path,
        attempt=row.attempt,
        type=row.type,
        status=row.status,
        port=row.port,
        output=opened(session.seal, row.output),
        output_bytes=row.output_bytes,
        error=opened(session.seal, row.error),
        error_code=row.error_code,
        cached=row.cached,
        reused=row.reused,
        started_at=row.started_at,
        ended_at=row.ended_at,
        seq=row.first_seq,
    )
