"""The sums for analytics are what a count over the rows would give, whatever is written and in whatever order."""

import random
from collections import Counter
from typing import Any

import psycopg
import pytest
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import StepEvent
from store import executions, journal, rollups
from store.database import Database
from store.executions import Started
from store.ids import ExecutionId, TenantId, WorkflowId
from store.journal import Entry, Note, Step
from store.session import Session, session
from tests.postgres import Server, another_tenant
from tests.store.telling import BEGAN, STARTED, Strand, whole

Sums = Counter[tuple[str, ...]]


async def write(store: Database, tenant: TenantId, *entries: StepEvent | Note, replayed: bool = False) -> None:
    written: list[Entry] = [each if isinstance(each, Note) else Step(each, replayed) for each in entries]
    async with session(store, tenant) as opened:
        await journal.write(opened, written)


def attempt(execution: str, path: str, n: int = 1, **data: JsonValue) -> Note:
    content: dict[str, JsonValue] = {"type": "http.request", "attempt": n, "seconds": 0.25, **data}
    return Note(execution, "attempt.succeeded", path, BEGAN + 5 + n, content)


async def keep(store: Database, tenant: TenantId, execution: str, *, trigger: str = "manual") -> None:
    id, workflow = ExecutionId(execution), WorkflowId("wf_1")
    await executions.keep(store, tenant, Started(id, workflow, "demo", 3, trigger, {}, b"null", None))


async def test_an_execution_and_its_node_runs_are_counted(store: Database, tenant: TenantId) -> None:
    await write(
        store, tenant, *whole(nodes=("a", "each[0].b", "each[17].b")), attempt("ex_1", "each[0].b", cpu_seconds=0.002)
    )
    used = {"attempts": 1, "busy": 250_000, "cpu": 2_000}
    assert await by_node(store, tenant) == {
        "": {"started": 1, "s:succeeded": 1, "d:178": 1, "time": 7_000_000, **used},
        "a": {"s:succeeded": 1, "t:transform": 1, "d:139": 1, "time": 1_000_000},
        "each.b": {
            **dict.fromkeys(["s:succeeded", "t:transform", "d:139"], 2),
            "time": 2_000_000,
            **used,
        },
    }
    await same_as_recounted(store, tenant)


async def test_what_never_happened_is_not_counted(store: Database, tenant: TenantId) -> None:
    first = Strand()
    first.say("execution.started", data=STARTED)
    first.say("node.started", "a", {"type": "delay"}, task=10)
    first.say("node.succeeded", "a", {"output": 1, "port": "out"}, task=10)
    first.say("execution.succeeded", data={"output": 1}, task=10)
    await write(store, tenant, *first.said)
    second = first.back_to(2)
    await write(store, tenant, second.say("node.skipped", "a", task=12))
    sums = await by_node(store, tenant)
    assert sums == {"": {"started": 1, "open": 1}, "a": {"s:skipped": 1, "t:delay": 1}}
    await same_as_recounted(store, tenant)


async def test_a_retry_takes_back_how_an_execution_ended(store: Database, tenant: TenantId) -> None:
    first = Strand()
    first.say("execution.started", data=STARTED)
    error: dict[str, JsonValue] = {"code": "http.status", "message": "404"}
    first.say("execution.failed", data={"error": error})
    await write(store, tenant, *first.said)
    assert (await by_node(store, tenant))[""].keys() >= {"s:failed", "e:http.status", "time"}
    second = Strand(attempt=2)
    await write(store, tenant, second.say("execution.started", data=STARTED))
    assert await by_node(store, tenant) == {"": {"started": 1, "open": 1}}
    await write(store, tenant, second.say("execution.succeeded", data={"output": 1}))
    assert await by_node(store, tenant) == {"": {"started": 1, "s:succeeded": 1, "retried": 1}}
    await same_as_recounted(store, tenant)


async def test_tests_do_not_count(store: Database, tenant: TenantId) -> None:
    strand = Strand()
    strand.say("execution.started", data={**STARTED, "trigger": "test"})
    strand.say("node.started", "a", {"type": "delay"})
    strand.say("node.succeeded", "a", {"output": 1, "port": "out"})
    await write(store, tenant, *strand.said, attempt("ex_1", "a"))
    assert await by_node(store, tenant) == {}


async def test_what_is_said_before_anybody_knows_of_which_workflow_is_counted_later(
    store: Database, tenant: TenantId
) -> None:
    events = whole()
    await write(store, tenant, *events[1:], attempt("ex_1", "a"))
    assert await by_node(store, tenant) == {}
    await keep(store, tenant, "ex_1", trigger="webhook")
    assert (await by_node(store, tenant)).keys() == {"", "a", "b"}
    await same_as_recounted(store, tenant)
    await write(store, tenant, *events)
    assert {trigger for _, _, _, trigger, *_ in await sums(store, tenant)} == {"manual"}
    await same_as_recounted(store, tenant)


async def test_an_execution_that_is_deleted_counts_no_more(store: Database, tenant: TenantId) -> None:
    await write(store, tenant, *whole(), attempt("ex_1", "a"), *whole("ex_2"))
    async with session(store, tenant) as opened:
        await opened.sql.execute(text("delete from executions where id = 'ex_1'"))
    assert (await by_node(store, tenant))["a"]["s:succeeded"] == 1
    await same_as_recounted(store, tenant)
    async with session(store, tenant) as opened:
        await opened.sql.execute(text("delete from executions"))
        while await rollups.fold(opened, limit=2):
            pass
        assert (await opened.sql.execute(text("select count(*) from rollups"))).scalar_one() == 0


async def test_sums_of_another_tenant_are_not_seen(store: Database, tenant: TenantId) -> None:
    await write(store, tenant, *whole())
    assert await by_node(store, await another_tenant(store)) == {}


async def test_sums_beyond_all_measure_stop_no_journal(store: Database, tenant: TenantId) -> None:
    notes = [attempt("ex_1", "a", n, cost={"tokens": 1e9}) for n in range(1, 1_000)]
    await write(store, tenant, *whole(), *notes)
    async with session(store, tenant) as opened:
        for _ in range(12):
            await opened.sql.execute(
                text("""
                insert into rollup_deltas (slot, workflow, version, trigger, node, quarters, keys, amounts)
                select slot, workflow, version, trigger, node, quarters, keys, amounts from rollup_deltas
                where node = 'a' limit 1""")
            )
        assert not await rollups.fold(opened)


@pytest.mark.parametrize("chance", range(4))
async def test_sums_are_always_those_of_the_rows(store: Database, tenant: TenantId, chance: int) -> None:
    rng = random.Random(chance)
    told = [history(rng, f"ex_{n}") for n in range(4)]
    for _ in range(14):
        entries = rng.choice(told)
        low = rng.randrange(len(entries))
        part = entries[low : low + rng.randint(1, 12)]
        rng.shuffle(part)
        await write(store, tenant, *part, replayed=rng.random() < 0.3)
        if rng.random() < 0.2:
            await keep(store, tenant, rng.choice(["ex_0", "ex_1"]))
        if rng.random() < 0.3:
            async with session(store, tenant) as opened:
                await rollups.fold(opened, limit=rng.choice([1, 3, 1_000]))
        await same_as_recounted(store, tenant)


def history(rng: random.Random, execution: str) -> list[StepEvent | Note]:
    """What one execution may say in its attempts, with tasks that were abandoned and done again."""
    entries: list[StepEvent | Note] = []
    for number in (1, 2):
        strand = Strand(execution, attempt=number)
        strand.say("execution.started", data={**STARTED, "trigger": rng.choice(["manual", "schedule"])})
        for turn in range(rng.randint(1, 4)):
            path = f"each[{turn}].price"
            strand.say("node.started", path, {"type": "http.request"}, task=4)
            entries.append(attempt(execution, path, turn + 1, cost={"tokens": turn}))
            if rng.random() < 0.4:
                entries += strand.said
                strand = strand.back_to(rng.randint(1, strand.n))
                strand.say("node.skipped", path, task=9)
            strand.say("node.succeeded", path, {"output": 1, "port": "out", "cached": rng.random() < 0.2}, task=9)
        if rng.random() < 0.5:
            strand.say("execution.succeeded", data={"output": 1})
        else:
            strand.say("execution.failed", data={"error": {"code": "x.y", "message": ""}})
        entries += strand.said
    return entries


async def sums(store: Database, tenant: TenantId) -> Sums:
    async with session(store, tenant) as opened:
        found = await asked(opened, 0)
        for grain in (1, 2, 3):
            assert by_key(found) == by_key(await asked(opened, grain))
        levels = await opened.sql.execute(text(_LEVELS))
        assert [tuple(row) for row in levels] == []
    return found


_LEVELS = """
with summed as (
    select nodes, level, grain, slot, node, d.key, sum(d.amount) as amount
    from rollups cross join lateral unnest(keys, amounts) as d (key, amount) group by 1, 2, 3, 4, 5, 6
)
(select nodes, grain, slot, node, key, amount from summed where level = 0 and (not nodes or grain > 0)
except select nodes, grain, slot, node, key, amount from summed where level = 1)
union all
(select nodes, grain, slot, node, key, amount from summed where level = 0 and not nodes
except select nodes, grain, slot, node, key, amount from summed where level = 2)
union all
(select nodes, grain, slot, node, key, amount from summed where level = 2
except select nodes, grain, slot, node, key, amount from summed where level = 3)
union all
(select nodes, grain, slot, node, name, amount from rollups
    cross join lateral (values ('started', started), ('time', time), ('busy', busy)) as largest (name, amount)
    where kind = 0 and level = 0 and amount <> 0
except select nodes, grain, slot, node, key, sum(amount) from rollups
    cross join lateral unnest(keys, amounts) as d (key, amount)
    where level = 0 group by tenant_id, nodes, grain, slot, workflow, version, trigger, node, key)
"""
"""Sums of which those of a whole workflow, or of all, say something else."""


async def asked(opened: Session, grain: int) -> Sums:
    """What is folded into one grain, and what is not yet folded."""
    rows = await opened.sql.execute(
        text("""
        select d.quarter + extract(epoch from r.slot)::bigint, workflow, version, trigger, node, d.key, d.amount
        from (
            select slot, workflow, version, trigger, node, quarters, keys, amounts from rollups
            where grain = :grain and level = 0
            union all
            select slot, workflow, version, trigger, node, quarters, keys, amounts from rollup_deltas
        ) as r cross join lateral unnest(quarters, keys, amounts) as d (quarter, key, amount)"""),
        {"grain": grain},
    )
    found: Sums = Counter()
    for *key, amount in rows:
        found[tuple(key)] += amount
    return Counter({key: amount for key, amount in found.items() if amount})


def by_key(found: Sums) -> Sums:
    made: Sums = Counter()
    for (_, *key), amount in found.items():
        made[tuple(key)] += amount
    return made


async def by_node(store: Database, tenant: TenantId) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for (*_, node, key), amount in by_key(await sums(store, tenant)).items():
        made.setdefault(node, {})[key] = amount
    return made


async def same_as_recounted(store: Database, tenant: TenantId) -> None:
    kept = await sums(store, tenant)
    async with session(store, tenant) as opened:
        await rollups.recount(opened)
        while await rollups.count_some(opened, most=5):
            pass
        recounted = await asked(opened, 0)
        await opened.sql.rollback()
    assert kept == recounted
    assert all(amount > 0 for amount in kept.values())


DELTAS = """
insert into rollup_deltas (slot, workflow, version, trigger, node, quarters, keys, amounts)
select timestamptz '2026-01-01 00:00:00Z' + n % 500 * interval '1 hour', 'wf_' || n % 20, 1, 'api', '',
    '{0, 0}', '{started, s:succeeded}', case when n > :many / 2 then '{1, 1}' else '{-1, -1}' end::bigint[]
from generate_series(1, :many) n
"""
MANY = 6_000


async def test_a_tenant_the_planner_has_not_heard_of_is_folded_in_the_same_time(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    """In a nested loop each delta would be compared with every other, and each sum with all that are stored."""
    async with session(store, tenant) as opened:
        await opened.sql.execute(text(DELTAS), {"many": MANY})
        assert not await rollups.fold(opened)
        await opened.sql.execute(text(DELTAS), {"many": MANY})
    with psycopg.connect(postgres.url(database_name, "postgres"), autocommit=True) as connection:
        connection.execute("analyze")
    async with session(store, await another_tenant(store)) as opened:
        for _ in range(2):
            await opened.sql.execute(text(DELTAS), {"many": MANY})
            explain = text(f"explain (analyze, format json) {rollups._FOLD.text}")
            [plan] = (await opened.sql.execute(explain, {"limit": MANY})).scalar_one()
            assert went_through(plan["Plan"]) < 150 * MANY
        assert not (await opened.sql.execute(text("select count(*) from rollup_deltas"))).scalar_one()


def went_through(plan: dict[str, Any]) -> float:
    """How many rows all parts of a plan have handed on, or left out."""
    own = sum(plan.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return own * plan["Actual Loops"] + sum(went_through(part) for part in plan.get("Plans", []))
