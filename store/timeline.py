"""What took how long in an execution: node runs side by side, each with its spans; turns of loops as one bar each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from store import attempts
from store.arrays import array
from store.attempts import Attempt
from store.ids import ExecutionId
from store.node_run_reading import NodeRun
from store.session import Session

MOST_EVENTS = 100
"""Of one node run, the first ones: more make no picture."""
Kind = Literal["queued", "running", "waiting", "retry"]


@dataclass(frozen=True)
class Span:
    """A part of the time of a node run; without an end it goes on."""

    kind: Kind
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Times:
    """The spans of one node run and its attempts that have ended."""

    spans: Sequence[Span]
    attempts: Sequence[Attempt]


@dataclass(frozen=True)
class Turn:
    """One turn of a loop: how the node runs in it stand, and from when to when they ran."""

    turn: int
    statuses: Mapping[str, int]
    started_at: datetime | None
    ended_at: datetime | None


async def times(session: Session, execution: ExecutionId, runs: Sequence[NodeRun], *, attempt: int) -> dict[str, Times]:
    """The spans and attempts of node runs, by path."""
    waits: dict[str, list[datetime]] = {}
    tries: dict[str, list[Attempt]] = {}
    values = {
        "execution": execution,
        "attempt": attempt,
        "paths": array(run.path for run in runs),
        "types": array(["node.waiting", *attempts.TYPES]),
        "most": MOST_EVENTS,
    }
    for path, type, at, data in await session.sql.execute(_EVENTS, values):
        if type in attempts.TYPES:
            tries.setdefault(path, []).append(attempts.read(session.seal, type, at, data))
        else:
            waits.setdefault(path, []).append(at)
    ordered = {path: attempts.in_order(each) for path, each in tries.items()}
    return {
        run.path: Times(
            spans(run.started_at, run.ended_at, waits.get(run.path, []), ordered.get(run.path, [])),
            ordered.get(run.path, []),
        )
        for run in runs
    }


_EVENTS = text("""
select e.path, e.type, e.at, e.data
from unnest(cast(:paths as text[])) as run (path)
cross join lateral (
    select path, type, at, data from events
    where execution_id = :execution and path = run.path and attempt = :attempt
        and type = any(cast(:types as text[]))
    order by seq limit :most
) as e
""")


def spans(
    started: datetime | None, ended: datetime | None, waits: Sequence[datetime], tries: Sequence[Attempt]
) -> list[Span]:
    """What a node run did when, without gaps: it is queued until its first attempt begins, waits to try again between
    two of them, and waits from where it says so until the next one or its end."""
    if started is None:
        return []
    marks: list[tuple[datetime, Kind]] = []
    marks.append((started, "queued" if tries else "running"))
    for place, each in enumerate(tries):
        marks.append((max(each.started_at, started), "running"))
        if place + 1 < len(tries):
            marks.append((each.ended_at, "retry"))
    marks.extend((max(at, started), "waiting") for at in waits)
    marks.sort(key=lambda mark: mark[0])
    ends = [*(at for at, _ in marks[1:]), ended]
    found = [Span(kind, at, end) for (at, kind), end in zip(marks, ends, strict=True)]
    return [span for span in found if span.ended_at is None or span.ended_at > span.started_at]


async def turns(
    session: Session, execution: ExecutionId, *, attempt: int, path: str, after: int, limit: int
) -> list[Turn]:
    """The turns of a loop, those after a number."""
    rows = await session.sql.execute(
        _TURNS,
        {
            "execution": execution,
            "attempt": attempt,
            "dot": f"{path}[",
            "end": f"{path}\\",
            "begin": len(path) + 2,
            "after": after,
            "limit": limit,
        },
    )
    return [
        Turn(
            row.turn,
            {status: count for status, count in zip(_STATUSES, row[3:], strict=True) if count},
            row.started_at,
            row.ended_at,
        )
        for row in rows
    ]


_STATUSES: Sequence[str] = ("running", "waiting", "succeeded", "failed", "skipped", "cancelled")
_COUNTS = ", ".join(f"count(*) filter (where status = '{status}')" for status in _STATUSES)
_TURNS = text(f"""
select turn, min(started_at) as started_at, max(ended_at) as ended_at, {_COUNTS}
from (
    select split_part(substr(path, :begin), ']', 1)::int as turn, status, started_at, ended_at
    from node_runs
    where execution_id = :execution and attempt = :attempt and path >= :dot and path < :end
) as run
where turn > :after group by turn order by turn limit :limit
""")  # noqa: S608 made of constants
