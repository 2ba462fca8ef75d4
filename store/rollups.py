"""Sums for analytics. Triggers append what each transaction changes; here that is folded into hours, six hours, days
and ten days, and all of it is counted anew where somebody doubts it."""

from sqlalchemy import text

from store.session import Session

AT_ONCE = 50_000
"""Deltas that one transaction folds."""
STEP = 50_000
"""Events of executions that one transaction counts anew: a second's work, for which writers wait."""


async def fold(session: Session, *, limit: int = AT_ONCE) -> bool:
    """Fold some of the oldest changes into the sums; gives whether there are more. Two at once do no harm: one of them
    leaves it to the other."""
    if not (await session.sql.execute(_LOCK)).scalar_one():
        return False
    return (await session.sql.execute(_FOLD, {"limit": limit})).scalar_one() == limit


async def recount(session: Session) -> None:
    """Forget the sums of the tenant: from now on no execution counts before it is counted anew, those that started last
    first. What is written meanwhile is counted as ever."""
    await session.sql.execute(text("select recount_rollups()"))


async def count_some(session: Session, *, most: int = STEP) -> bool:
    """Count some of the executions anew that do not count yet, if there are any; gives whether there may be more. Then
    they are to be folded."""
    return (await session.sql.execute(_COUNT_SOME, {"most": most})).scalar_one()


_COUNT_SOME = text("""
select case when exists (select from rollup_recounts) then recount_some(:most) else false end
""")


# Sums of longer times are made of the same changes: none of them is ever read to make another. What the planner
# believes of a tenant may be wrong by any factor, as deltas come and go: so nothing is joined but by lookup of a key.
_LOCK = text("""
select pg_try_advisory_xact_lock(hashtextextended('perdure.rollups ' || current_tenant(), 0))
from set_config('work_mem', '64MB', true)
""")
_FOLD = text("""
with taken as (
    delete from rollup_deltas
    where id <= (select max(id) from (select id from rollup_deltas order by id limit :limit) as oldest) returning *
), changes as materialized (
    select t.slot, t.workflow, t.version, t.trigger, t.node, d.quarter, d.key, sum(d.amount) as amount,
        case left(d.key, 2) when 'd:' then 1 when 'e:' then 2 when 'c:' then 3 else 0 end as kind
    from taken as t cross join lateral unnest(t.quarters, t.keys, t.amounts) as d (quarter, key, amount)
    group by 1, 2, 3, 4, 5, 6, 7
), spread as (
    select t.node <> '' as nodes, l.level, g.grain, t.kind, date_bin(g.width, t.slot, '2000-01-01Z') as slot,
        case when l.level < 2 then t.workflow else '' end as workflow,
        case when l.level < 1 then t.version else 0 end as version,
        case when l.level in (0, 3) then t.trigger else '' end as trigger,
        t.node, case when g.grain = 0 then t.quarter else 0 end as quarter, t.key, sum(t.amount) as amount
    from changes as t
    cross join (
        values (0, interval '1 hour'), (1, interval '6 hours'), (2, interval '1 day'), (3, interval '10 days')
    ) as g (grain, width)
    cross join (values (0), (1), (2), (3)) as l (level)
    where l.level = 0 or t.node = '' or (l.level = 1 and g.grain > 0)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
), touched as materialized (
    select distinct nodes, level, grain, kind, slot, workflow, version, trigger, node from spread
), before as (
    select r.nodes, r.level, r.grain, r.kind, r.slot, r.workflow, r.version, r.trigger, r.node,
        d.quarter, d.key, d.amount
    from touched as t
    cross join lateral (
        select * from rollups
        where nodes = t.nodes and level = t.level and grain = t.grain and kind = t.kind and slot = t.slot
            and workflow = t.workflow and version = t.version and trigger = t.trigger and node = t.node
        offset 0
    ) as r
    cross join lateral unnest(r.quarters, r.keys, r.amounts) as d (quarter, key, amount)
), summed as (
    select nodes, level, grain, kind, slot, workflow, version, trigger, node, quarter, key,
        greatest(least(sum(amount), 9e18), -9e18)::bigint as amount
    from (select * from spread union all select * from before) as both_of_them
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
), packed as (
    select nodes, level, grain, kind, slot, workflow, version, trigger, node,
        greatest(least(coalesce(sum(amount) filter (where key = 'started'), 0), 9e18), -9e18)::bigint as started,
        greatest(least(coalesce(sum(amount) filter (where key = 'time'), 0), 9e18), -9e18)::bigint as time,
        greatest(least(coalesce(sum(amount) filter (where key = 'busy'), 0), 9e18), -9e18)::bigint as busy,
        array_agg(quarter order by quarter, key) filter (where amount <> 0) as quarters,
        array_agg(key order by quarter, key) filter (where amount <> 0) as keys,
        array_agg(amount order by quarter, key) filter (where amount <> 0) as amounts
    from summed group by 1, 2, 3, 4, 5, 6, 7, 8, 9
), emptied as (
    delete from rollups where ctid = any (array(
        select r.ctid from packed as p
        cross join lateral (
            select ctid from rollups
            where nodes = p.nodes and level = p.level and grain = p.grain and kind = p.kind and slot = p.slot
                and workflow = p.workflow and version = p.version and trigger = p.trigger and node = p.node
            offset 0
        ) as r
        where p.keys is null
    ))
), stored as (
    insert into rollups (nodes, level, grain, kind, slot, workflow, version, trigger, node, started, time, busy,
        quarters, keys, amounts)
    select nodes, level, grain, kind, slot, workflow, version, trigger, node, started, time, busy,
        quarters, keys, amounts
    from packed where keys is not null
    on conflict on constraint rollups_pkey do update
    set started = excluded.started, time = excluded.time, busy = excluded.busy,
        quarters = excluded.quarters, keys = excluded.keys, amounts = excluded.amounts
)
select count(*) from taken
""")
