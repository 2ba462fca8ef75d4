"""Every list about executions touches few rows, however many there are, as the role that processes have."""

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from store import (
    comparison,
    env,
    error_words,
    events,
    execution_search,
    executions,
    families,
    logs,
    node_run_counts,
    node_run_reading,
    node_run_records,
    secrets,
    snapshots,
    tails,
)
from store.arrays import array
from store.database import Database
from store.execution_search import Filters, Place
from store.ids import ExecutionId, TenantId
from store.node_run_reading import Filters as NodeFilters
from store.roles import MIGRATOR
from store.session import Session, session
from store.tails import Wanted
from tests.api.test_lists import found, recorded
from tests.postgres import Server, another_tenant

MANY = 10_000
PAGE = 51
MOST_TOUCHED = 700
"""Rows: some pages, and some of those that are rare."""
MOST_COMPARED = 3 * execution_search.LOOKED_AT
"""Entries of indexes, where up to three ways to go are compared."""
BIG = ExecutionId("ex_00007")
STARTERS = [ExecutionId("ex_00001"), ExecutionId("ex_00002")]
CHANGED = [f"ex_{n:05}" for n in range(1, MANY, MANY // 200)]
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def after(n: int) -> Place:
    return BEGAN + timedelta(seconds=n), f"ex_{n:05}"


def listed(filters: Filters, place: Place | None = None) -> Callable[[Session], Coroutine[Any, Any, object]]:
    return lambda s: execution_search.page(s, filters, after=place, limit=PAGE)


def runs(
    status: list[str] | None = None, under: str | None = None, place: int = 0
) -> Callable[[Session], Coroutine[Any, Any, object]]:
    filters = NodeFilters(status=status or [], under=under)
    return lambda s: node_run_reading.page(s, BIG, filters, attempt=1, after=place, limit=PAGE)


def node_runs(filters: NodeFilters) -> Callable[[Session], Coroutine[Any, Any, object]]:
    return lambda s: node_run_reading.page(s, BIG, filters, attempt=1, after=0, limit=PAGE)


LISTS: dict[str, Callable[[Session], Coroutine[Any, Any, object]]] = {
    "all": listed(Filters()),
    "after a place": listed(Filters(), after(MANY // 2)),
    "of a workflow": listed(Filters(workflow="w-3")),
    "of a workflow, after a place": listed(Filters(workflow="w-3"), after(MANY // 2)),
    "of a rare workflow": listed(Filters(workflow="rare")),
    "of a workflow by its id": listed(Filters(workflow="wf_3")),
    "of one version of a workflow": listed(Filters(workflow="w-3", version=1)),
    "of a rare version of a workflow": listed(Filters(workflow="w-3", version=2)),
    "of a rare version of a workflow by its id": listed(Filters(workflow="wf_3", version=2)),
    "of a common status": listed(Filters(status=["succeeded"])),
    "of a rare status": listed(Filters(status=["failed"])),
    "of several rare statuses": listed(Filters(status=["failed", "waiting", "timed_out"])),
    "of an error of a workflow": listed(Filters(workflow="w-3", error_code="user")),
    "of a common label, failed": listed(Filters(label=[("team", "sales")], status=["failed"])),
    "of a trigger of a workflow, failed": listed(Filters(workflow="w-3", trigger="api", status=["failed"])),
    "of a rare status of a workflow": listed(Filters(workflow="w-3", status=["failed"])),
    "of a status that none has": listed(Filters(status=["paused"])),
    "of a trigger": listed(Filters(trigger="api")),
    "of a rare trigger": listed(Filters(trigger="schedule")),
    "of a common label": listed(Filters(label=[("team", "sales")])),
    "of a rare label": listed(Filters(label=[("order", "17")])),
    "of a common label and a rare one": listed(Filters(label=[("team", "sales"), ("order", "17")])),
    "of a label that none has": listed(Filters(label=[("order", "none")])),
    "started in an hour": listed(Filters(started_after=after(9000)[0], started_before=after(9100)[0])),
    "closed in an hour": listed(Filters(closed_after=after(9000)[0], closed_before=after(9100)[0])),
    "of an error": listed(Filters(error_code="user.no")),
    "of a family of errors": listed(Filters(error_code="user")),
    "of an error that none has": listed(Filters(error_code="http.status")),
    "of a parent of many": listed(Filters(parent="ex_00001")),
    "of a parent of many, after a place": listed(Filters(parent="ex_00001"), after(MANY // 2)),
    "of a parent of few": listed(Filters(parent="ex_00002")),
    "of a rare status of a parent": listed(Filters(parent="ex_00001", status=["failed"])),
    "of what started none": listed(Filters(parent="ex_00003")),
    "reruns of one that has many": listed(Filters(rerun_of="ex_00001")),
    "reruns of one that has many, after a place": listed(Filters(rerun_of="ex_00001"), after(MANY // 2)),
    "reruns of one that has few": listed(Filters(rerun_of="ex_00002")),
    "reruns of a rare status": listed(Filters(rerun_of="ex_00001", status=["failed"])),
    "reruns of one that has none": listed(Filters(rerun_of="ex_00003")),
    "of a word of an error": listed(Filters(error="sold")),
    "of words of an error": listed(Filters(error="sold out")),
    "of words of an error of a workflow": listed(Filters(workflow="w-3", error="out sold")),
    "of a word that no error has": listed(Filters(error="nowhere")),
    "one": lambda s: executions.find(s, BIG),
    "node runs": runs(),
    "node runs after a number": runs(place=MANY // 2),
    "rare node runs": runs(["failed", "waiting"]),
    "node runs inside a path": runs(under="each[77]"),
    "node runs of one node": node_runs(NodeFilters(places=["each.do"])),
    "node runs of a node that has none": node_runs(NodeFilters(places=["each.undo"])),
    "the graph of a turn": lambda s: node_run_counts.by_place(s, BIG, attempt=1, under="each[77]"),
    "what differs of two": lambda s: comparison.pairs(
        s, (BIG, 1), (BIG, 1), only_different=False, after="", limit=PAGE
    ),
    "node runs of all attempts": lambda s: node_run_reading.of_all_attempts(s, BIG, after=(1, 500), limit=PAGE),
    "the log": lambda s: logs.page(s, BIG, logs.Filters(), since=0, limit=PAGE),
    "a node run": lambda s: node_run_reading.find(s, BIG, "each[77].do", attempt=1),
    "what is waited for": lambda s: node_run_reading.waiting(s, BIG, attempt=1, limit=500),
    "what an execution used": lambda s: node_run_records.usage(s, BIG, attempt=1),
    "the attempts at a node run": lambda s: node_run_reading.detail(s, BIG, "each[77].do", attempt=1),
    "events": lambda s: events.page(s, BIG, since=0, limit=PAGE),
    "events after a number": lambda s: events.page(s, BIG, since=MANY // 2, limit=PAGE),
    "the ends of journals": lambda s: tails.tails(s, [Wanted(BIG, MANY - 50), Wanted(ExecutionId("ex_00001"), 0)]),
    "how a large one stands": lambda s: snapshots.snapshot(s, BIG),
    "what some have started lately": lambda s: families.children(s, STARTERS, since=after(MANY - 50)[0], limit=1_001),
    "those of a list that changed": listed(Filters(status=["failed"], workflow="w-3", ids=CHANGED)),
    "secrets": lambda s: secrets.names(s),
    "env": lambda s: env.every(s),
}


async def test_a_list_touches_few_of_many_rows(store: Database, crowded: TenantId) -> None:
    heavy: list[str] = []
    for name, ask in LISTS.items():
        async with session(store, crowded) as opened:
            async with recorded(store) as statements:
                await ask(opened)
            connection = await opened.sql.connection()
            for statement, parameters in statements:
                if statement.startswith("select set_config"):
                    continue
                explained = await connection.exec_driver_sql(f"explain (analyze, format json) {statement}", parameters)
                plan = explained.scalar_one()
                (whole,) = plan if isinstance(plan, list) else json.loads(plan)
                rows = touched(whole["Plan"])
                if "Seq Scan" in found(whole) or rows > (MOST_COMPARED if "count(*)" in statement else MOST_TOUCHED):
                    heavy.append(f"{name}: {rows} rows, {found(whole)}")
    assert not heavy, "\n".join(heavy)


def touched(plan: dict[str, Any]) -> float:
    """How many rows the scans of a plan have looked at."""
    own = 0.0
    if "Scan" in plan["Node Type"]:
        seen = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        own = sum(plan.get(name, 0) for name in seen) * plan["Actual Loops"]
    return own + sum(touched(part) for part in plan.get("Plans", []))


FILL = [
    """insert into workflows (id, name, labels, revision)
    select 'wf_' || n, 'w-' || n, '{}', 1 from generate_series(0, 2000) n""",
    """insert into executions (id, workflow_id, workflow, version, status, trigger, labels, started_at, closed_at,
        error_code, parent_execution, parent_path, rerun_of)
    select 'ex_' || lpad(n::text, 5, '0'), 'wf_' || n % 10, case when n % 2000 = 5 then 'rare' else 'w-' || n % 10 end,
        case when n % 1000 = 3 then 2 else 1 end,
        case when n % 200 = 3 then 'failed' when n % 500 = 7 then 'waiting' else 'succeeded' end,
        case when n % 1000 = 1 then 'schedule' else 'api' end, '{}',
        timestamptz '2026-01-01 00:00:00Z' + n * interval '1 second',
        case when n % 500 = 7 then null else timestamptz '2026-01-01 00:00:01Z' + n * interval '1 second' end,
        case when n % 200 = 3 then case when n % 400 = 3 then 'user.no' else 'timeout.node' end end,
        case when n % 1000 = 9 then 'ex_00002' when n % 2 = 1 then 'ex_00001' end, case when n % 2 = 1 then 'call' end,
        case when n % 1000 = 9 then 'ex_00002' when n % 2 = 1 then 'ex_00001' end
    from generate_series(1, :many) n""",
    """insert into search_values (key, value, execution_id, started_at)
    select 'label.team', 'sales', id, started_at from executions""",
    """insert into search_values (key, value, execution_id, started_at)
    select 'label.order', split_part(id, '_', 2)::int::text, id, started_at from executions""",
    """insert into node_runs (execution_id, attempt, path, type, status, strand, n, first_seq)
    select 'ex_00007', 1, 'each[' || n || '].do', 'transform',
        case when n % 200 = 1 then 'failed' when n % 500 = 2 then 'waiting' else 'succeeded' end, '', n, n
    from generate_series(1, :many) n""",
    """insert into node_run_records (execution_id, attempt, path, attempts, cpu_seconds)
        select execution_id, attempt, path, 1, 0 from node_runs""",
    """insert into events (execution_id, seq, attempt, strand, n, type, path, at)
    select 'ex_00007', n, 1, '', n, case when n % 500 = 2 then 'node.waiting' else 'node.started' end,
        'each[' || n || '].do', now()
    from generate_series(1, :many) n""",
]
FILL_ERRORS = """
insert into search_values (key, value, execution_id, started_at)
select 'error', word, id, started_at from executions, unnest(cast(:words as text[])) as word
where error_code is not null
"""
FILL_ANOTHER = [
    "insert into secrets (name, value) select 's' || n, '' from generate_series(1, :many) n",
    "insert into env (name, value) select 's' || n, '' from generate_series(1, :many) n",
]


@pytest.fixture
async def crowded(store: Database, tenant: TenantId, postgres: Server, database_name: str) -> TenantId:
    """A tenant with very many executions, one of which is very large, beside another who has as many."""
    for owner, statements in ((await another_tenant(store), FILL + FILL_ANOTHER), (tenant, FILL)):
        async with session(store, owner) as opened:
            for statement in statements:
                await opened.sql.execute(text(statement), {"many": MANY} if ":many" in statement else {})
            words = array(error_words.kept(opened.seal, "user.no", "Sold out"))
            await opened.sql.execute(text(FILL_ERRORS), {"words": words})
    with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
        connection.execute("analyze")
    return tenant
