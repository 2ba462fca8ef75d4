"""Node runs of an execution, counted and timed by their place in the definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from dag import node_places
from store import paths
from store.ids import ExecutionId
from store.session import Session

MOST_PLACES = 20_000
"""Twice as many as a definition has nodes; only loops whose turns cannot be told from parts could have more."""
MOST_ERRORS = 5


@dataclass(frozen=True)
class Counted:
    """How the runs of one node stand."""

    statuses: Mapping[str, int]
    """How many have each status."""
    started_at: datetime | None
    """When the first one did."""
    ended_at: datetime | None
    """When the last one did, of those that have."""
    seconds_p50: float | None
    seconds_max: float | None
    errors: Mapping[str, int] = field(default_factory=dict[str, int])
    """The codes of those that failed, the most frequent ones."""


async def by_place(session: Session, execution: ExecutionId, *, attempt: int, under: str | None) -> dict[str, Counted]:
    """Count the node runs of an attempt, or of them those inside a turn, a branch or a part of a node."""
    values: dict[str, str | int] = {"execution": execution, "attempt": attempt, "most": MOST_PLACES}
    inside = ""
    if under:
        # Of all turns at once, they stand beside one another by place.
        inside = _OF_PLACE if node_places.place(under) == under else _OF_PATH
        values.update(paths.bounds(under))
    errors: dict[str, dict[str, int]] = {}
    for place, code, count in await session.sql.execute(text(_ERRORS.format(inside=inside)), values):
        codes = errors.setdefault(place, {})
        if len(codes) < MOST_ERRORS:
            codes[code] = count
    rows = await session.sql.execute(text(_COUNTS.format(inside=inside)), values)
    return {
        place: Counted(
            {status: count for status, count in zip(_STATUSES, counts, strict=True) if count},
            started_at,
            ended_at,
            p50,
            longest,
            errors.get(place, {}),
        )
        for place, started_at, ended_at, p50, longest, *counts in rows
    }


_OF_PLACE = "and place >= :dot and place < :after_dot"
_OF_PATH = "and (path >= :dot and path < :after_dot or path >= :bracket and path < :after_bracket)"
_STATUSES: Sequence[str] = ("running", "waiting", "succeeded", "failed", "skipped", "cancelled")
_COUNTS = f"""
select place, min(started_at), max(ended_at),
    percentile_disc(0.5) within group (order by seconds), max(seconds),
    {", ".join(f"count(*) filter (where status = '{status}')" for status in _STATUSES)}
from (
    select place, status, started_at, ended_at, extract(epoch from ended_at - started_at)::float8 as seconds
    from node_runs where execution_id = :execution and attempt = :attempt {{inside}}
) as run
group by place limit :most
"""  # noqa: S608 made of constants
_ERRORS = """
select place, error_code, count(*) from node_runs
where execution_id = :execution and attempt = :attempt and status <> 'succeeded' and status = 'failed'
    and error_code is not null {inside}
group by place, error_code order by count(*) desc, error_code limit :most
"""
