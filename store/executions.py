"""Executions: stored when they are started, found by their ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import text
from sqlmodel import col, select

from dag.errors import PerdureError
from dag.sub_workflows import Origin
from store import error_words
from store.database import Database
from store.ids import ExecutionId, TenantId, WorkflowId
from store.journal import CHANNEL
from store.json_text import opened
from store.sealing import Seal
from store.session import Row, Session, at_once
from store.tables.executions import ExecutionRow


class ExecutionUnknown(PerdureError):
    """There is no such execution."""

    code = "execution.unknown"


class AttemptUnknown(PerdureError):
    """There is no such attempt at this execution."""

    code = "attempt.unknown"


@dataclass(frozen=True)
class Started:
    """What only the one who starts an execution knows of it."""

    id: ExecutionId
    workflow_id: WorkflowId | None
    workflow: str
    version: int
    trigger: str
    labels: Mapping[str, str]
    input: bytes
    """JSON, with its defaults filled in."""
    request_hash: bytes | None
    """Of what was asked for; None where another execution asked."""
    origin: Origin | None = None
    rerun_of: ExecutionId | None = None


@dataclass(frozen=True)
class Execution:
    """An execution as it is known now. Input, output and error are JSON as it was written."""

    id: ExecutionId
    workflow: str
    workflow_id: WorkflowId | None
    version: int
    status: str
    compensation: str
    attempt: int
    trigger: str
    labels: Mapping[str, str]
    input: orjson.Fragment | None
    output: orjson.Fragment | None
    output_bytes: int | None
    error: orjson.Fragment | None
    error_code: str | None
    started_at: datetime
    closed_at: datetime | None
    parent_execution: ExecutionId | None
    """The execution that started it."""
    parent_path: str | None
    """Of the node there that did; `settings.on_failure` where that names its workflow."""
    rerun_of: ExecutionId | None
    """The execution in whose middle it begins."""
    seq: int
    """Of the newest event."""


@dataclass(frozen=True)
class Kept:
    """What is kept of the request that started an execution; its hash is missing as long as only the journal has said
    anything of the execution."""

    request_hash: bytes | None


async def keep(database: Database, tenant: TenantId, started: Started) -> Execution:
    """Store what was started. The journal may have been quicker: what it knows stays as it is."""
    seal = Seal(database.keyring, tenant)
    values = {
        "id": started.id,
        "workflow_id": started.workflow_id,
        "workflow": started.workflow,
        "version": started.version,
        "trigger": started.trigger,
        "labels": orjson.dumps(dict(started.labels)).decode(),
        "input": seal.seal(started.input),
        "request_hash": started.request_hash,
        "parent_execution": started.origin and started.origin.execution,
        "parent_path": started.origin and started.origin.path,
        "rerun_of": started.rerun_of,
        "channel": CHANNEL,
    }
    return _read(seal, await at_once(database, tenant, _KEEP, values))


# The worker has begun with it already, and takes the processor from whoever waits for an answer: one round trip.
_KEEP = """
with kept as (
    insert into executions
        (id, workflow_id, workflow, version, status, trigger, labels, input, request_hash, parent_execution,
        parent_path, rerun_of, started_at)
    values (%(id)s, %(workflow_id)s, %(workflow)s, %(version)s, 'queued', %(trigger)s, cast(%(labels)s as json),
        %(input)s, %(request_hash)s, %(parent_execution)s, %(parent_path)s, %(rerun_of)s, now())
    on conflict on constraint executions_pkey do update
    set workflow_id = excluded.workflow_id, workflow = excluded.workflow, version = excluded.version,
        trigger = excluded.trigger, labels = excluded.labels, input = excluded.input,
        request_hash = excluded.request_hash, parent_execution = excluded.parent_execution,
        parent_path = excluded.parent_path, rerun_of = excluded.rerun_of
    returning id, workflow, workflow_id, version, status, compensation, attempt, trigger, labels, input, output,
        output_bytes, error, error_code, started_at, closed_at, parent_execution, parent_path, rerun_of,
        last_seq
), words as (
    insert into search_values (key, value, execution_id, started_at)
    select 'label.' || label.key, label.value, kept.id, kept.started_at from kept, json_each_text(kept.labels) as label
    on conflict do nothing
)
select *, pg_notify(%(channel)s, concat_ws(' ', current_tenant(), id, parent_execution)) from kept
"""


async def trace(session: Session, id: ExecutionId, origin: Origin) -> None:
    """Note which execution started one, where whoever began it could not."""
    await session.sql.execute(_TRACE, {"id": id, "parent": origin.execution, "path": origin.path})


_TRACE = text("""
update executions set parent_execution = :parent, parent_path = :path where id = :id and parent_execution is null
""")


async def kept(session: Session, id: ExecutionId) -> Kept | None:
    """What is kept of the request that started an execution, if there is one."""
    query = select(col(ExecutionRow.request_hash)).where(col(ExecutionRow.id) == id)
    found = (await session.sql.scalars(query)).all()
    return Kept(found[0]) if found else None


async def find(session: Session, id: ExecutionId) -> Execution:
    """Find one by its id."""
    row = (await session.sql.scalars(select(ExecutionRow).where(col(ExecutionRow.id) == id))).first()
    if row is None:
        raise ExecutionUnknown(f"There is no execution `{id}`.")
    return _read(session.seal, row)


async def attempt(session: Session, id: ExecutionId, asked: int | None = None) -> int:
    """Which attempt at an execution is the newest, or the one that is asked for. Raises ExecutionUnknown,
    AttemptUnknown."""
    found = (await session.sql.scalars(select(col(ExecutionRow.attempt)).where(col(ExecutionRow.id) == id))).first()
    if found is None:
        raise ExecutionUnknown(f"There is no execution `{id}`.")
    if asked is not None and asked > found:
        raise AttemptUnknown(f"The newest attempt at this execution is {found}.")
    return asked or found


async def hold(session: Session, id: ExecutionId) -> bool:
    """Keep others from having an execution go on, until the end of the transaction; false when one of them does."""
    return (await session.sql.execute(_HOLD, {"id": id})).scalar_one()


_HOLD = text("select pg_try_advisory_xact_lock(hashtextextended('execution ' || :id, 0))")


async def reopen(session: Session, id: ExecutionId, *, attempt: int) -> None:
    """Let an execution stand as one that goes on, unless the journal has been quicker and says so already."""
    await session.sql.execute(_REOPEN, {"id": id, "attempt": attempt, "error_words": error_words.KEY})


_REOPEN = text("""
with reopened as (
    update executions
    set attempt = :attempt, status = 'running', compensation = 'none', closed_at = null, output = null,
        output_bytes = null, error = null, error_code = null, steered_n = 0, updated_at = clock_timestamp(),
        check_at = clock_timestamp() + interval '3 seconds'
    where id = :id and attempt < :attempt
    returning id
)
delete from search_values as word using reopened where word.execution_id = reopened.id and word.key = :error_words
""")


async def closed(session: Session, id: ExecutionId) -> bool:
    """Whether an execution has ended."""
    query = select(col(ExecutionRow.closed_at)).where(col(ExecutionRow.id) == id)
    return (await session.sql.scalars(query)).first() is not None


def _read(seal: Seal, row: ExecutionRow | Row) -> Execution:
    return Execution(
        id=ExecutionId(row.id),
        workflow=row.workflow,
        workflow_id=None if row.workflow_id is None else WorkflowId(row.workflow_id),
        version=row.version,
        status=row.status,
        compensation=row.compensation,
        attempt=row.attempt,
        trigger=row.trigger,
        labels=row.labels,
        input=opened(seal, row.input),
        output=opened(seal, row.output),
        output_bytes=row.output_bytes,
        error=opened(seal, row.error),
        error_code=row.error_code,
        started_at=row.started_at,
        closed_at=row.closed_at,
        parent_execution=None if row.parent_execution is None else ExecutionId(row.parent_execution),
        parent_path=row.parent_path,
        rerun_of=None if row.rerun_of is None else ExecutionId(row.rerun_of),
        seq=row.last_seq,
    )
