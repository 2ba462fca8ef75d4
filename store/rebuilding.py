"""Puts what a replay says of a strand in the place of what is stored of it, and says row by row what that changes.

Whoever only wants to know what differs undoes the transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

import orjson
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import StepEvent
from dag.journal import Strand
from dag.journal import strand as strand_of
from store import heads, journal, node_runs
from store.arrays import array
from store.chains import REPLACED
from store.differences import Difference, same_time
from store.ids import ExecutionId
from store.journal import Step
from store.node_runs import NodeRun, Place
from store.session import Row, Session

Each = TypeVar("Each")

AT_ONCE = 2_000
"""Rows of one statement."""


@dataclass(frozen=True)
class Said:
    """All that one strand has said in one attempt, as far as Temporal still has it."""

    events: Sequence[StepEvent]
    """In order; at least one."""
    ended: bool
    """Whether it says nothing more."""
    killed_at: float | None = None
    """When it was ended from outside, if it was: what ran in it then is cancelled without a word."""

    @property
    def strand(self) -> Strand:
        """Whose they are."""
        return strand_of(self.events[0])

    @property
    def last(self) -> int:
        """The number of the last of them."""
        return self.events[-1].n


async def strand(session: Session, said: Said) -> list[Difference]:
    """Rebuild the events of a strand, and the node runs that they tell of. Rows that are right are not touched; the
    execution's own row stands still meanwhile."""
    await lock(session, said.events[0])
    rows = {row.n: row for row in await session.sql.execute(_STORED, _named(said.strand))}
    differences, damaged = _compared(session, said, rows)
    places = _places(said, rows.values())
    before = {place: row for some in _some(places) for place, row in (await _node_runs(session, some)).items()}
    if differences:
        await _write(session, said, damaged)
    wrong: list[Place] = []
    for some in _some(places):
        told = await node_runs.from_events(session, some)
        for place in some:
            row = before.get(place)
            found = _node_run_differs(session, place, row, _settled(said, told.get(place), row))
            if found is not None:
                differences.append(found)
                wrong.append(place)
    for some in _some(wrong):
        await node_runs.tell_anew(session, some)
    if wrong and said.killed_at is not None:
        execution, attempt, name = said.strand
        await node_runs.settle(session, execution, name, said.killed_at, attempt=attempt)
    return differences


async def strays(session: Session, execution: ExecutionId) -> list[Difference]:
    """Take node runs away that no event tells of."""
    values = {"execution": execution, "replaced": REPLACED}
    rows = (await session.sql.execute(_STRAYS, values)).all()
    await node_runs.tell_anew(session, [(execution, attempt, path) for attempt, path in rows])
    return [Difference("node_runs", _place_name(attempt, path), "false") for attempt, path in rows]


async def lock(session: Session, event: StepEvent) -> None:
    """Have everybody else wait who would write of the execution."""
    await heads.lock(session, {event.execution: datetime.fromtimestamp(event.at, UTC)})
    await session.sql.execute(_COUNT_ON, {"id": event.execution})


_COUNT_ON = text("""
update executions as e set last_seq = newest.seq
from (select max(seq) as seq from events where execution_id = :id) as newest
where e.id = :id and newest.seq > e.last_seq
""")
"""A counter that has gone back would give a number twice."""
_STORED = text("""
select seq, n, type, path, extract(epoch from at)::float8 as at, data, previous, checksum
from events where execution_id = :execution and attempt = :attempt and strand = :strand order by n
""")
_STRAYS = text("""
select r.attempt, r.path from node_runs as r
where r.execution_id = :execution and not exists (
    select from events as e
    where e.execution_id = r.execution_id and e.path = r.path and e.attempt = r.attempt
        and e.strand is not null and e.type <> :replaced)
order by r.attempt, r.path
""")


def _named(strand: Strand) -> Mapping[str, str | int]:
    return dict(zip(("execution", "attempt", "strand"), strand, strict=True))


def _compared(session: Session, said: Said, rows: Mapping[int, Row]) -> tuple[list[Difference], list[int]]:
    """What differs, and the places of rows with other contents although they have the right checksum."""
    differences: list[Difference] = []
    damaged: list[int] = []
    for event in said.events:
        row = rows.get(event.n)
        if row is None:
            differences.append(Difference("events", _event_name(said, event.n), "missing"))
        elif others := _others(session, row, event):
            differences.append(Difference("events", _event_name(said, event.n, row.seq), "other", others))
            if row.checksum == event.checksum and row.type != REPLACED:
                damaged.append(row.seq)
    if said.ended:
        beyond = [row for n, row in rows.items() if n > said.last and row.type != REPLACED]
        differences += [Difference("events", _event_name(said, row.n, row.seq), "false") for row in beyond]
    return differences, damaged


def _others(session: Session, row: Row, event: StepEvent) -> tuple[str, ...]:
    """The columns that say something else. The length of the history is not among them: it only orders writers."""
    same = {
        "type": row.type == event.type,
        "path": row.path == event.path,
        "at": same_time(row.at, event.at),
        "data": _same_data(session, row.data, event.data),
        "previous": row.previous == event.previous,
        "checksum": row.checksum == event.checksum,
    }
    return tuple(name for name, is_same in same.items() if not is_same)


def _same_data(session: Session, sealed: bytes | None, said: JsonValue) -> bool:
    if sealed is None or said is None:
        return sealed is said
    stored, written = session.seal.open(sealed), orjson.dumps(said)
    return stored == written or orjson.loads(stored) == orjson.loads(written)


def _opened(session: Session, data: bytes | None) -> object:
    return None if data is None else orjson.loads(session.seal.open(data))


async def _write(session: Session, said: Said, damaged: Sequence[int]) -> None:
    execution, _, _ = said.strand
    if damaged:
        await session.sql.execute(_DISTRUST, {"execution": execution, "seqs": array(damaged)})
    for events in _some(said.events):
        ends = {said.strand: said.last} if said.ended and events[-1].n == said.last else {}
        await journal.write(session, [Step(event, replayed=True) for event in events], ends=ends)


_DISTRUST = text("""
update events set checksum = -1 where execution_id = :execution and seq = any(cast(:seqs as bigint[]))
""")
"""The checksum of no event: so the journal replaces what stands there."""


def _places(said: Said, rows: Iterable[Row]) -> list[Place]:
    execution, attempt, _ = said.strand
    paths = {event.path for event in said.events if event.type in node_runs.STATUSES} | {row.path for row in rows}
    return [(execution, attempt, path) for path in sorted(paths - {""})]


async def _node_runs(session: Session, places: Sequence[Place]) -> dict[Place, Row]:
    rows = await session.sql.execute(_NODE_RUNS, node_runs.named(places))
    return {(row.execution_id, row.attempt, row.path): row for row in rows}


_NODE_RUNS = text(f"""
select r.execution_id, r.attempt, r.path, r.type, r.status, r.port, r.output, r.output_bytes, r.error, r.error_code,
    r.cached, r.mocked, r.reused, extract(epoch from r.started_at)::float8 as started_at,
    extract(epoch from r.ended_at)::float8 as ended_at, r.strand, r.n, r.first_seq
from {node_runs.PLACES} as place (execution, attempt, path)
join node_runs as r on r.execution_id = place.execution and r.attempt = place.attempt and r.path = place.path
""")  # noqa: S608 made of constants


def _settled(said: Said, run: NodeRun | None, row: Row | None) -> NodeRun | None:
    """As it is to be. When it was settled is not told: the strand may have been ended with what is around it."""
    if run is None or said.killed_at is None or run.status not in _OPEN:
        return run
    ended_at = said.killed_at if row is None or row.ended_at is None else row.ended_at
    return replace(run, status="cancelled", ended_at=ended_at)


_OPEN = ("running", "waiting")


def _node_run_differs(session: Session, place: Place, row: Row | None, run: NodeRun | None) -> Difference | None:
    _, attempt, path = place
    name = _place_name(attempt, path)
    if row is None or run is None:
        if row is run:
            return None
        return Difference("node_runs", name, "missing" if row is None else "false")
    same = {
        **{column: getattr(row, column) == getattr(run, column) for column in _PLAIN},
        **{column: same_time(getattr(row, column), getattr(run, column)) for column in ("started_at", "ended_at")},
        **{
            column: _opened(session, getattr(row, column)) == _loaded(getattr(run, column))
            for column in ("output", "error")
        },
    }
    others = tuple(name for name, is_same in same.items() if not is_same)
    return Difference("node_runs", name, "other", others) if others else None


_PLAIN = (
    "type",
    "status",
    "port",
    "output_bytes",
    "error_code",
    "cached",
    "mocked",
    "reused",
    "strand",
    "n",
    "first_seq",
)


def _loaded(content: bytes | None) -> object:
    return None if content is None else orjson.loads(content)


def _event_name(said: Said, n: int, seq: int | None = None) -> str:
    _, attempt, name = said.strand
    place = f"attempt {attempt}, strand {name}, event {n}" if name else f"attempt {attempt}, event {n}"
    return place if seq is None else f"{place}, seq {seq}"


def _place_name(attempt: int, path: str) -> str:
    return f"attempt {attempt}, {path}"


def _some(every: Sequence[Each]) -> Iterator[list[Each]]:
    rest = iter(every)
    while some := [*islice(rest, AT_ONCE)]:
        yield some
