"""What attempts tell of node runs, added up as their records come to the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import orjson
from pydantic import JsonValue
from sqlalchemy import text
from sqlmodel import col, select

from store.arrays import array
from store.attempts import TYPES
from store.ids import ExecutionId
from store.node_runs import Place
from store.session import Session
from store.tables.node_run_records import NodeRunRecordRow

PROGRESS = "node.progress"
"""The type of what a lasting attempt says of how far it has come: `{fraction, message, attempt}`."""


@dataclass(slots=True)
class Told:
    """What a batch adds to what is known of one node run."""

    attempts: int = 0
    cpu_seconds: float = 0.0
    cost: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    progress: bytes | None = None
    progress_at: float | None = None


def told(known: dict[tuple[int, str], Told], attempt: int, path: str, type: str, at: float, data: JsonValue) -> None:
    """Take what one more record says, for its node run and for the execution."""
    if type == PROGRESS:
        run = known.setdefault((attempt, path), Told())
        if run.progress_at is None or at >= run.progress_at:
            run.progress, run.progress_at = orjson.dumps(data), at
    elif type in TYPES:
        record = cast(Mapping[str, Any], data or {})
        for place in (path, ""):
            run = known.setdefault((attempt, place), Told())
            run.attempts += 1
            run.cpu_seconds += record.get("cpu_seconds", 0.0)
            for unit, amount in record.get("cost", {}).items():
                run.cost[unit] = run.cost.get(unit, Decimal(0)) + Decimal(str(amount))


@dataclass(frozen=True)
class Usage:
    """What all attempts of one attempt at an execution came to."""

    attempts: int
    cpu_seconds: float
    cost: Mapping[str, float]


async def usage(session: Session, execution: ExecutionId, *, attempt: int) -> Usage:
    """What the attempts at all nodes of an execution came to: this is one row."""
    row = NodeRunRecordRow
    query = select(row).where(col(row.execution_id) == execution, col(row.attempt) == attempt, col(row.path) == "")
    found = (await session.sql.scalars(query)).first()
    return Usage(0, 0.0, {}) if found is None else Usage(found.attempts, found.cpu_seconds, found.cost)


async def store(session: Session, runs: Mapping[Place, Told]) -> None:
    """Add to what is stored."""
    if not runs:
        return
    await session.sql.execute(
        _STORE,
        {
            "executions": array(execution for execution, _, _ in runs),
            "attempts": array(attempt for _, attempt, _ in runs),
            "paths": array(path for _, _, path in runs),
            "counts": array(run.attempts for run in runs.values()),
            "cpu": array(run.cpu_seconds for run in runs.values()),
            "costs": array(_cost(run) for run in runs.values()),
            "progress": array(run.progress and session.seal.seal(run.progress) for run in runs.values()),
            "told": array(run.progress_at for run in runs.values()),
        },
    )


def _cost(run: Told) -> str:
    return orjson.dumps({unit: float(amount) for unit, amount in run.cost.items()}).decode()


_STORE = text("""
insert into node_run_records as old
    (execution_id, attempt, path, attempts, cpu_seconds, cost, progress, progress_at)
select execution, attempt, path, attempts, cpu_seconds, cost::jsonb, progress, to_timestamp(progress_at)
from unnest(
    cast(:executions as text[]), cast(:attempts as int[]), cast(:paths as text[]), cast(:counts as int[]),
    cast(:cpu as float8[]), cast(:costs as text[]), cast(:progress as bytea[]), cast(:told as float8[])
) as run (execution, attempt, path, attempts, cpu_seconds, cost, progress, progress_at)
on conflict on constraint node_run_records_pkey do update
set attempts = old.attempts + excluded.attempts,
    cpu_seconds = old.cpu_seconds + excluded.cpu_seconds,
    cost = case when excluded.cost = '{}' then old.cost else (
        select jsonb_object_agg(unit, amount) from (
            select key as unit, sum(value::numeric) as amount
            from (select * from jsonb_each_text(old.cost)
                union all select * from jsonb_each_text(excluded.cost)) as each
            group by key
        ) as summed) end,
    progress = case when excluded.progress_at >= coalesce(old.progress_at, '-infinity')
        then excluded.progress else old.progress end,
    progress_at = greatest(old.progress_at, excluded.progress_at)
""")
