"""The node runs of an execution, as readers see them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import orjson
from pydantic import JsonValue
from sqlalchemy import ColumnElement, Select, or_, select, true, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from dag.errors import PerdureError
from store import attempts, paths
from store.attempts import Attempt
from store.ids import ExecutionId
from store.json_text import opened
from store.session import Session
from store.tables.executions import EventRow, NodeRunRow
from store.tables.node_run_records import NodeRunRecordRow

MOST_ATTEMPTS = 100


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
    mocked: bool
    """Whether a test answered for it, and nothing ran."""
    reused: bool
    """Whether it was taken over from an earlier attempt, or from the execution that this is a rerun of."""
    started_at: datetime | None
    ended_at: datetime | None
    seq: int
    """Of its first event."""
    attempts_ended: int
    """How many attempts at it have ended."""
    cpu_seconds: float
    """What they computed, all together."""
    cost: Mapping[str, float]
    """What they used up, by unit."""
    progress: orjson.Fragment | None
    """What its attempt told last of how far it has come."""
    progress_at: datetime | None


@dataclass(frozen=True)
class Detail(NodeRun):
    """A node run with the attempts at it that have ended, the newest ones."""

    attempts: Sequence[Attempt]


@dataclass(frozen=True)
class Wait:
    """Something that an execution waits for."""

    path: str
    type: str | None
    since: datetime
    said: Mapping[str, JsonValue]
    """What it said of that."""


@dataclass(frozen=True)
class Filters:
    """What must hold of a node run; nothing asked for holds always."""

    status: Sequence[str] = ()
    """One of them."""
    type: str | None = None
    under: str | None = None
    """A path: the node run itself, and all inside it."""
    within: str | None = None
    """A path: what is inside it, without itself."""
    places: Sequence[str] | None = None
    """Of nodes in the definition: a run of one of them."""
    started_after: datetime | None = None
    started_before: datetime | None = None


async def page(
    session: Session, execution: ExecutionId, filters: Filters, *, attempt: int, after: int, limit: int
) -> Sequence[NodeRun]:
    """List the node runs of one attempt at an execution as they began, those after a number."""
    row = NodeRunRow
    query = _with_records().where(
        col(row.execution_id) == execution, col(row.attempt) == attempt, col(row.first_seq) > after
    )
    query = query.where(*_conditions(filters)).order_by(col(row.first_seq)).limit(limit)
    return [_read(session, run, record) for run, record in await session.sql.execute(query)]


async def of_all_attempts(
    session: Session, execution: ExecutionId, *, after: tuple[int, int], limit: int
) -> Sequence[NodeRun]:
    """List the node runs of all attempts at an execution, those after an attempt and a number."""
    row = NodeRunRow
    place = (col(row.attempt), col(row.first_seq))
    query = _with_records().where(col(row.execution_id) == execution, tuple_(*place) > after)
    found = await session.sql.execute(query.order_by(*place).limit(limit))
    return [_read(session, run, record) for run, record in found]


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    row = NodeRunRow
    if filters.status:
        yield col(row.status).in_(filters.status)
    if filters.type is not None:
        yield col(row.type) == filters.type
    if filters.under is not None:
        yield or_(col(row.path) == filters.under, paths.inside(col(row.path), filters.under))
    if filters.within is not None:
        yield paths.inside(col(row.path), filters.within)
    if filters.places is not None:
        yield col(row.place).in_(filters.places)
    if filters.started_after is not None:
        yield col(row.started_at) > filters.started_after
    if filters.started_before is not None:
        yield col(row.started_at) < filters.started_before


async def find(session: Session, execution: ExecutionId, path: str, *, attempt: int) -> NodeRun:
    """Find one by its path."""
    row = NodeRunRow
    query = _with_records().where(
        col(row.execution_id) == execution, col(row.attempt) == attempt, col(row.path) == path
    )
    found = (await session.sql.execute(query)).first()
    if found is None:
        raise NodeRunUnknown(f"There is no node run `{path}` in this execution, or it has not begun.")
    return _read(session, *found)


async def detail(session: Session, execution: ExecutionId, path: str, *, attempt: int) -> Detail:
    """Find one by its path, with its attempts."""
    run, event = await find(session, execution, path, attempt=attempt), EventRow
    query = (
        select(col(event.type), col(event.at), col(event.data))
        .where(col(event.execution_id) == execution, col(event.path) == path, col(event.attempt) == attempt)
        .where(col(event.type).in_(attempts.TYPES))
        .order_by(col(event.seq).desc())
        .limit(MOST_ATTEMPTS)
    )
    told = [attempts.read(session.seal, *row) for row in await session.sql.execute(query)]
    return Detail(**vars(run), attempts=attempts.in_order(told))


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
    return [Wait(path, type, at, _said(session, data)) for path, type, at, data in rows]


async def held_up(session: Session, execution: ExecutionId, *, attempt: int) -> Wait | None:
    """Why an execution as a whole stands still, by the last event of its own: it is queued, or paused."""
    event = EventRow
    query = (
        select(col(event.type), col(event.at), col(event.data))
        .where(
            col(event.execution_id) == execution,
            col(event.path) == "",
            col(event.attempt) == attempt,
            col(event.type).like("execution.%"),
        )
        .order_by(col(event.seq).desc())
        .limit(1)
    )
    last = (await session.sql.execute(query)).first()
    if last is None or last[0] not in HELD_UP:
        return None
    type, at, data = last
    return Wait("", type, at, _said(session, data))


HELD_UP = ("execution.queued", "execution.paused")


def _said(session: Session, data: bytes | None) -> Mapping[str, JsonValue]:
    return {} if data is None else cast(Mapping[str, JsonValue], orjson.loads(session.seal.open(data)))


def _with_records() -> Select[NodeRunRow, NodeRunRecordRow]:
    """Node runs with what their attempts told. Row by row, whatever the planner thinks of a table that fills up."""
    run, record = NodeRunRow, NodeRunRecordRow
    of_run = (
        select(record)
        .where(
            col(record.execution_id) == col(run.execution_id),
            col(record.attempt) == col(run.attempt),
            col(record.path) == col(run.path),
        )
        .limit(1)
        .lateral()
    )
    told = aliased(record, of_run)
    return select(run, told).outerjoin(told, true())


def _read(session: Session, row: NodeRunRow, told: NodeRunRecordRow | None) -> NodeRun:
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
        mocked=row.mocked,
        reused=row.reused,
        started_at=row.started_at,
        ended_at=row.ended_at,
        seq=row.first_seq,
        attempts_ended=told.attempts if told else 0,
        cpu_seconds=told.cpu_seconds if told else 0.0,
        cost=told.cost if told else {},
        progress=opened(session.seal, told.progress) if told else None,
        progress_at=told.progress_at if told else None,
    )
