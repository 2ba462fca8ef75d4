"""Reads the sums for analytics, over spans of time that follow each other."""

# ruff: noqa: S608 all SQL here is made of constants

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import text

from store.arrays import array
from store.grains import HOUR, floor, segments
from store.session import Session

Dimension = Literal["workflow", "version", "trigger", "node"]
Sums = Mapping[str, int]
"""By what is counted: `started`, `open`, `s:<status>`, `e:<error code>`, `d:<bucket>`, `time`, `cpu`, `c:<unit>`, …"""
Group = tuple[str | int, ...]
"""The number of the span, counted from 1, then a value of each dimension that was asked for."""


@dataclass(frozen=True)
class Which:
    """Of what the sums are to be; nothing asked for is everything."""

    workflow: str | None = None
    version: int | None = None
    trigger: str | None = None
    node: str | None = None


Kind = Literal["counts", "durations", "errors", "costs", "named"]
"""All counts but those of the others; with how many fell into each bucket of durations; how many ended with each error
code; what was spent of each unit; and counts and units that are named."""
_KEPT: Mapping[Kind, Sequence[int]] = {
    "counts": (0,),
    "durations": (0, 1),
    "errors": (2,),
    "costs": (3,),
    "named": (0, 3),
}
"""The kinds of rows in which they stand."""
_KINDS: Mapping[Kind, str] = {
    "counts": "not starts_with(d.key, 'd:') and not starts_with(d.key, 'e:') and not starts_with(d.key, 'c:')",
    "durations": "not starts_with(d.key, 'e:') and not starts_with(d.key, 'c:')",
    "errors": "starts_with(d.key, 'e:')",
    "costs": "starts_with(d.key, 'c:')",
    "named": "d.key = any(cast(:keys as text[]))",
}
MOST_KEYS = 1_000
"""Error codes, or units of cost, that are told of: whoever writes a workflow may make as many as they like."""


@dataclass(frozen=True)
class Top:
    """Only the groups in which one count is largest."""

    key: str
    """`started`, `time`, `busy`, or `c:<unit>`."""
    groups: int


async def sums(
    session: Session,
    boundaries: Sequence[datetime],
    which: Which,
    *,
    nodes: bool = False,
    by: Sequence[Dimension] = (),
    kind: Kind = "counts",
    keys: Sequence[str] = (),
    top: Top | None = None,
    among: Sequence[Group] | None = None,
) -> dict[Group, dict[str, int]]:
    """Add up what is kept of executions, or of node runs, between moments that follow each other and are whole quarters
    of an hour; `among`: only of groups with these values."""
    if top is not None:
        among = await ranked(session, boundaries, which, top, nodes=nodes, by=by)
    values = _values(boundaries, which, by, nodes=nodes)
    values |= {"kinds": array(_KEPT[kind]), "keys": array(keys)}
    if among is not None:
        values |= {f"among_{name}": array(group[place] for group in among) for place, name in enumerate(by)}
    statement = text(_statement(which, by, kind, among=among is not None))
    await session.sql.execute(_ROOM)
    return {tuple(group): json.loads(told) for *group, told in await session.sql.execute(statement, values)}


async def ranked(
    session: Session,
    boundaries: Sequence[datetime],
    which: Which,
    top: Top,
    *,
    nodes: bool = False,
    by: Sequence[Dimension],
) -> list[Group]:
    """The values of the groups in which one count is largest over all the time, the largest first. Rows of long times
    hold hundreds of sums: which groups are worth reading is found without these."""
    dimensions, filters = ", ".join(by), _filters(which)
    kind, beside = ("0", f"r.{top.key}") if top.key in _BESIDE else ("3", "cast(null as bigint)")
    statement = _RANKED.format(dimensions=dimensions, filters=filters, kind=kind, beside=beside)
    values = _values(boundaries, which, by, nodes=nodes) | {"key": top.key, "groups": top.groups}
    return [tuple(row) for row in await session.sql.execute(text(statement), values)]


_ROOM = text("select set_config('work_mem', '64MB', true), set_config('enable_sort', 'off', true)")
"""For this transaction: sums are few, however many numbers are added up, and the planner, which cannot know, would sort
these. That takes longer than all else."""
_BESIDE = ("started", "time", "busy")
"""What stands beside the sums as well as among them."""


def _values(boundaries: Sequence[datetime], which: Which, by: Sequence[Dimension], *, nodes: bool) -> dict[str, object]:
    cut = segments(boundaries)
    level = _level(which, by, nodes=nodes)
    return {
        "levels": array(0 if nodes and each.grain == HOUR else level for each in cut),
        "numbers": array(each.number for each in cut),
        "grains": array(each.grain for each in cut),
        "lows": array(each.low for each in cut),
        "highs": array(each.high for each in cut),
        "boundaries": array(boundaries),
        "since": floor(boundaries[0], timedelta(hours=1)),
        "until": boundaries[-1],
        "nodes": nodes,
        "workflow": which.workflow,
        "version": which.version,
        "trigger": which.trigger,
        "node": which.node,
    }


async def counted_from(session: Session) -> datetime | None:
    """While sums are counted anew: executions that started before this moment may not count yet."""
    return (await session.sql.execute(_COUNTED_FROM)).scalar_one_or_none()


_COUNTED_FROM = text("select least(started_at, now()) from rollup_recounts")


async def largest(
    session: Session, boundaries: Sequence[datetime], which: Which, kind: Kind, *, nodes: bool
) -> dict[str, int]:
    """The largest counts of one kind over all the time, MOST_KEYS of them."""
    found = await sums(session, [boundaries[0], boundaries[-1]], which, nodes=nodes, kind=kind)
    return found.get((1,), {})


def _level(which: Which, by: Sequence[Dimension], *, nodes: bool) -> int:
    """How much of what is asked for has been added up before."""
    of_workflow = nodes or which.workflow is not None or "workflow" in by
    if which.version is not None or "version" in by:
        return 0
    if which.trigger is not None or "trigger" in by:
        return 0 if of_workflow else 3
    return 1 if of_workflow else 2


def _filters(which: Which) -> str:
    asked = ("workflow", "version", "trigger", "node")
    return "".join(f" and {name} = :{name}" for name in asked if getattr(which, name) is not None)


def _statement(which: Which, by: Sequence[Dimension], kind: Kind, *, among: bool) -> str:
    filters, columns = _filters(which), "".join(f"{name}, " for name in by)
    if among:
        values = {name: f"cast(:among_{name} as {'int' if name == 'version' else 'text'}[])" for name in by}
        # Indexes know each by itself, and so need no row of others.
        filters += "".join(f" and {name} = any({value})" for name, value in values.items())
        filters += f" and ({', '.join(by)}) in (select * from unnest({', '.join(values.values())}))"
    added = _SUMS.format(filters=filters, columns=columns, kind=_KINDS[kind])
    if kind in ("errors", "costs"):
        added += f", told as (select * from added order by amount desc, key limit {MOST_KEYS})"
        return f"{added} select number, {columns} {_TOLD} from told group by {columns} number"
    return f"{added} select number, {columns} {_TOLD} from added group by {columns} number"


# A row for each sum would take longer to fetch than to add up.
_TOLD = "cast(json_object_agg(key, amount order by amount desc, key) as text)"
_SEGMENTS = """unnest(
        cast(:levels as smallint[]), cast(:numbers as int[]), cast(:grains as smallint[]), cast(:lows as timestamptz[]),
        cast(:highs as timestamptz[])
    ) as s (level, number, grain, low, high)"""
_RANKED = f"""
select {{dimensions}} from (
    select {{dimensions}}, case when r.whole and {{beside}} is not null then {{beside}} else (
        select sum(d.amount) from unnest(r.quarters, r.keys, r.amounts) as d (quarter, key, amount)
        where d.key = :key and (r.whole or r.slot + d.quarter * interval '15 minutes' >= s.low
            and r.slot + d.quarter * interval '15 minutes' < s.high)
    ) end as amount
    from {_SEGMENTS}
    cross join lateral (
        select *, s.grain > 0 or slot >= s.low and slot + interval '1 hour' <= s.high as whole from rollups
        where nodes = :nodes and level = s.level and grain = s.grain and kind = {{kind}}
            and slot >= date_bin('1 hour', s.low, '2000-01-01Z') and slot < s.high{{filters}}
        offset 0
    ) as r
    union all
    select {{dimensions}}, d.amount
    from rollup_deltas as r cross join lateral unnest(r.quarters, r.keys, r.amounts) as d (quarter, key, amount)
    where (r.node <> '') = :nodes and r.slot >= :since and r.slot < :until{{filters}} and d.key = :key
        and r.slot + d.quarter * interval '15 minutes' >= (cast(:boundaries as timestamptz[]))[1]
        and r.slot + d.quarter * interval '15 minutes' < :until
) as ranked
group by {{dimensions}} having sum(amount) <> 0 order by sum(amount) desc, {{dimensions}} limit :groups
"""
# `offset 0` keeps the planner from reading all hours of a tenant where it believes that there are few.
_SUMS = f"""
with kept as (
    select s.number, {{columns}} d.key, d.amount
    from {_SEGMENTS}
    cross join unnest(cast(:kinds as smallint[])) as k (kind)
    cross join lateral (
        select *, s.grain > 0 or slot >= s.low and slot + interval '1 hour' <= s.high as whole from rollups
        where nodes = :nodes and level = s.level and grain = s.grain and kind = k.kind
            and slot >= date_bin('1 hour', s.low, '2000-01-01Z') and slot < s.high{{filters}}
        offset 0
    ) as r
    cross join lateral unnest(r.quarters, r.keys, r.amounts) as d (quarter, key, amount)
    where {{kind}}
        and (r.whole or r.slot + d.quarter * interval '15 minutes' >= s.low
            and r.slot + d.quarter * interval '15 minutes' < s.high)
), fresh as (
    select width_bucket(r.slot + d.quarter * interval '15 minutes', cast(:boundaries as timestamptz[])) as number,
        {{columns}} d.key, d.amount
    from rollup_deltas as r cross join lateral unnest(r.quarters, r.keys, r.amounts) as d (quarter, key, amount)
    where (r.node <> '') = :nodes and r.slot >= :since and r.slot < :until{{filters}}
        and {{kind}}
        and r.slot + d.quarter * interval '15 minutes' >= (cast(:boundaries as timestamptz[]))[1]
        and r.slot + d.quarter * interval '15 minutes' < :until
), added as materialized (
    select number, {{columns}} key, sum(amount) as amount
    from (select * from kept union all select * from fresh) as both_of_them
    group by number, {{columns}} key having sum(amount) <> 0
)
"""
