"""Node runs, as the events of each tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import EventType, StepEvent
from store.arrays import array
from store.chains import REPLACED
from store.session import Session

STATUSES: Mapping[EventType, str] = {
    "node.started": "running",
    "node.waiting": "waiting",
    "node.succeeded": "succeeded",
    "node.failed": "failed",
    "node.skipped": "skipped",
    "node.cancelled": "cancelled",
}
"""By the events that tell them; others happen while a node waits, which it goes on doing."""
Place = tuple[str, int, str]
"""Execution, attempt and path."""


@dataclass(slots=True)
class NodeRun:
    """One time a node ran, as far as some of its events tell. `n` is of the last of them."""

    strand: str
    n: int
    first_seq: int
    status: str = ""
    type: str | None = None
    port: str | None = None
    output: bytes | None = None
    output_bytes: int | None = None
    error: bytes | None = None
    error_code: str | None = None
    cached: bool = False
    mocked: bool = False
    reused: bool = False
    started_at: float | None = None
    ended_at: float | None = None


def told(run: NodeRun, event: StepEvent, seq: int) -> None:
    """Take what one more event says; the order does not matter."""
    data = cast(Mapping[str, Any], event.data or {})
    run.first_seq = min(run.first_seq, seq)
    if event.n >= run.n:
        run.n, run.status = event.n, STATUSES[event.type]
    match event.type:
        case "node.started":
            run.type, run.started_at, run.mocked = data["type"], event.at, data.get("mocked", False)
        case "node.waiting":
            pass
        case _:
            run.ended_at, run.port, run.output_bytes = event.at, data.get("port"), data.get("output_bytes")
            run.cached, run.reused = data.get("cached", False), data.get("reused", False)
            run.type = data.get("type", run.type)
            if "output" in data:
                run.output = orjson.dumps(data["output"])
            if "error" in data:
                run.error, run.error_code = orjson.dumps(data["error"]), data["error"]["code"]


async def store(session: Session, runs: Mapping[Place, NodeRun]) -> None:
    """Add to what is stored of node runs."""
    if not runs:
        return

    def sealed(content: bytes | None) -> bytes | None:
        return None if content is None else session.seal.seal(content)

    await session.sql.execute(
        _STORE,
        {
            "executions": array(execution for execution, _, _ in runs),
            "attempts": array(attempt for _, attempt, _ in runs),
            "paths": array(path for _, _, path in runs),
            "types": array(run.type for run in runs.values()),
            "statuses": array(run.status for run in runs.values()),
            "ports": array(run.port for run in runs.values()),
            "outputs": array(sealed(run.output) for run in runs.values()),
            "output_bytes": array(run.output_bytes for run in runs.values()),
            "errors": array(sealed(run.error) for run in runs.values()),
            "error_codes": array(run.error_code for run in runs.values()),
            "cached": array(run.cached for run in runs.values()),
            "mocked": array(run.mocked for run in runs.values()),
            "reused": array(run.reused for run in runs.values()),
            "started": array(run.started_at for run in runs.values()),
            "ended": array(run.ended_at for run in runs.values()),
            "strands": array(run.strand for run in runs.values()),
            "ns": array(run.n for run in runs.values()),
            "seqs": array(run.first_seq for run in runs.values()),
        },
    )


_STORE = text("""
insert into node_runs as old
    (execution_id, attempt, path, type, status, port, output, output_bytes, error, error_code,
     cached, mocked, reused, started_at, ended_at, strand, n, first_seq)
select execution, attempt, path, type, status, port, output, output_bytes, error, error_code, cached, mocked, reused,
    to_timestamp(started_at), to_timestamp(ended_at), strand, n, first_seq
from unnest(
    cast(:executions as text[]), cast(:attempts as int[]), cast(:paths as text[]), cast(:types as text[]),
    cast(:statuses as text[]), cast(:ports as text[]), cast(:outputs as bytea[]), cast(:output_bytes as int[]),
    cast(:errors as bytea[]), cast(:error_codes as text[]), cast(:cached as boolean[]), cast(:mocked as boolean[]),
    cast(:reused as boolean[]), cast(:started as float8[]), cast(:ended as float8[]), cast(:strands as text[]),
    cast(:ns as int[]), cast(:seqs as bigint[])
) as run (execution, attempt, path, type, status, port, output, output_bytes, error, error_code, cached, mocked, reused,
    started_at, ended_at, strand, n, first_seq)
on conflict on constraint node_runs_pkey do update
set type = coalesce(excluded.type, old.type),
    status = case when excluded.n >= old.n then excluded.status else old.status end,
    port = coalesce(excluded.port, old.port),
    output = coalesce(excluded.output, old.output),
    output_bytes = coalesce(excluded.output_bytes, old.output_bytes),
    error = coalesce(excluded.error, old.error),
    error_code = coalesce(excluded.error_code, old.error_code),
    cached = excluded.cached or old.cached,
    mocked = excluded.mocked or old.mocked,
    reused = excluded.reused or old.reused,
    started_at = coalesce(excluded.started_at, old.started_at),
    ended_at = coalesce(excluded.ended_at, old.ended_at),
    n = greatest(excluded.n, old.n),
    first_seq = least(excluded.first_seq, old.first_seq)
""")


async def settle(
    session: Session, execution: str, strand: str | None, at: float, *, attempt: int | None = None
) -> None:
    """Settle the node runs of a strand that was killed, or of all of an execution's, which will say nothing more of
    them; those of the newest attempt, unless another one is named. Lock the execution before."""
    values = {"execution": execution, "strand": strand, "at": at, "attempt": attempt}
    await session.sql.execute(_SETTLE, values)


_SETTLE = text("""
update node_runs as run set status = 'cancelled', ended_at = to_timestamp(:at)
from executions as x
where x.id = :execution and run.execution_id = x.id and run.attempt = coalesce(cast(:attempt as int), x.attempt)
    and run.strand = coalesce(:strand, run.strand) and run.status in ('pending', 'running', 'waiting')
""")


async def tell_anew(session: Session, places: Sequence[Place]) -> None:
    """Forget what is stored of node runs, and take it from their events."""
    if not places:
        return
    await session.sql.execute(_FORGET, named(places))
    await store(session, await from_events(session, places))


async def from_events(session: Session, places: Sequence[Place]) -> dict[Place, NodeRun]:
    """Node runs as all their events tell them; those without any are left out."""
    values = {**named(places), "replaced": REPLACED}
    runs: dict[Place, NodeRun] = {}
    for row in await session.sql.execute(_EVENTS, values):
        execution, attempt, path, strand, n, seq, type, at, data = row
        if type not in STATUSES:
            continue
        content: JsonValue = None if data is None else orjson.loads(session.seal.open(data))
        event = StepEvent(execution, attempt, strand, n, type, path, at, content, 0, 0, 0)
        place = (execution, attempt, path)
        told(runs.setdefault(place, NodeRun(strand, n, seq)), event, seq)
    return runs


def named(places: Sequence[Place]) -> dict[str, str]:
    """As statements take them that join them as PLACES."""
    return {
        "executions": array(execution for execution, _, _ in places),
        "attempts": array(attempt for _, attempt, _ in places),
        "paths": array(path for _, _, path in places),
    }


PLACES = "unnest(cast(:executions as text[]), cast(:attempts as int[]), cast(:paths as text[]))"
_FORGET = text(f"""
delete from node_runs as run using {PLACES} as place (execution, attempt, path)
where run.execution_id = place.execution and run.attempt = place.attempt and run.path = place.path
""")  # noqa: S608 made of constants
_EVENTS = text(f"""
select e.execution_id, e.attempt, e.path, e.strand, e.n, e.seq, e.type, extract(epoch from e.at)::float8, e.data
from {PLACES} as place (execution, attempt, path)
join events as e on e.execution_id = place.execution and e.path = place.path and e.attempt = place.attempt
where e.strand is not null and e.type <> :replaced
order by e.execution_id, e.attempt, e.path, e.n
""")  # noqa: S608 made of constants
