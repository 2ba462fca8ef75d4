"""Executions that ended with an error, as examples of its code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from store.arrays import array
from store.rollup_reading import Which
from store.session import Session


@dataclass(frozen=True)
class Example:
    """An execution that ended with an error."""

    execution: str
    workflow: str
    version: int
    started_at: datetime
    closed_at: datetime


async def find(
    session: Session, codes: Sequence[str], which: Which, since: datetime, until: datetime, *, each: int
) -> dict[str, list[Example]]:
    """Find those that started last of each code, among those that started in a span of time and have ended."""
    asked = ("workflow", "version", "trigger")
    filters = "".join(f" and {name} = :{name}" for name in asked if getattr(which, name) is not None)
    values = {"codes": array(codes), "since": since, "until": until, "each": each}
    values |= {"workflow": which.workflow, "version": which.version, "trigger": which.trigger}
    found: dict[str, list[Example]] = {code: [] for code in codes}
    for code, *row in await session.sql.execute(text(_EXAMPLES.format(filters=filters)), values):
        found[code].append(Example(*row))
    return found


_EXAMPLES = """
select code, e.id, e.workflow, e.version, e.started_at, e.closed_at
from unnest(cast(:codes as text[])) with ordinality as c (code, place)
cross join lateral (
    select id, workflow, version, started_at, closed_at from executions
    where error_code = c.code and closed_at is not null and started_at >= :since and started_at < :until
        and trigger <> 'test'{filters}
    order by started_at desc, id desc limit :each
) as e
order by c.place, e.started_at desc, e.id desc
"""
