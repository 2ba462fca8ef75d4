"""Every list and every way to find a thing asks an index, as the role that processes have."""

import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from activities import registry
from dag.draft import draft
from store import drafts, plans, surroundings, tags, versions, workflows
from store.database import Database
from store.ids import TenantId
from store.session import Session, session
from tests.api.test_workflows import definition

LISTS: dict[str, Callable[[Session], Coroutine[Any, Any, object]]] = {
    "workflows": lambda s: workflows.page(s, after=None, limit=51),
    "workflows after one": lambda s: workflows.page(s, after="w-100", limit=51),
    "workflows that begin so": lambda s: workflows.page(s, after="w-1", limit=51, prefix="w-1"),
    "workflows with a label": lambda s: workflows.page(s, after="w-1", limit=51, labels=["team:sales"]),
    "a workflow by name": lambda s: workflows.find(s, "w-7"),
    "versions": lambda s: after_found(s, lambda w: versions.page(s, w, before=None, limit=51)),
    "versions before one": lambda s: after_found(s, lambda w: versions.page(s, w, before=4, limit=51)),
    "the newest version": lambda s: after_found(s, lambda w: versions.find(s, w, None)),
    "tags": lambda s: after_found(s, lambda w: tags.page(s, w, after="a", limit=51)),
    "the draft": lambda s: after_found(s, lambda w: drafts.newest(s, w)),
}


async def after_found(s: Session, asks: Callable[[Any], Coroutine[Any, Any, object]]) -> object:
    return await asks(await workflows.find(s, "w-7"))


async def test_no_list_reads_through_a_table(store: Database, many: TenantId) -> None:
    async with session(store, many) as opened:
        async with recorded(store) as statements:
            for ask in LISTS.values():
                await ask(opened)
        assert len(statements) >= len(LISTS)
        connection = await opened.sql.connection()
        for statement, parameters in statements:
            explained = await connection.exec_driver_sql(f"explain (format json) {statement}", parameters)
            plan = explained.scalar_one()
            scans = found(plan if isinstance(plan, list) else json.loads(plan))
            assert scans, statement
            assert all(kind.startswith(("Index", "Bitmap")) for kind in scans), (statement, scans)
            assert "Sort" not in json.dumps(plan), statement


async def test_what_surrounds_a_definition_is_found_without_other_tenants(store: Database, many: TenantId) -> None:
    async with session(store, many) as opened:
        around = await surroundings.around(opened)
    assert around.workflows == {"w-7": frozenset()}


async def test_the_plan_of_a_version_is_kept_until_it_is_not_meant_any_more(store: Database, many: TenantId) -> None:
    async with session(store, many) as opened:
        first = await plans.plan(opened, "w-7")
        assert (first.name, first.version, first.plan.workflow) == ("w-7", 1, "w-7")
        async with recorded(store) as statements:
            again = await plans.plan(opened, first.workflow_id, "latest")
        assert again is first
        assert len(statements) == 1, "only the workflow is asked for"


@pytest.fixture
async def many(store: Database, tenant: TenantId) -> TenantId:
    """A tenant with so many rows that PostgreSQL would not read through them unless it had to."""

    async with session(store, tenant) as opened:
        row = await workflows.add(opened, draft(definition("w-7")))
        await versions.add(opened, row, catalog=registry.catalog(registry.load()))
        await opened.sql.execute(
            text(
                "insert into workflows (id, name, labels, revision) "
                "select 'wf_' || n, 'w-' || n, '{\"team\": \"sales\"}', 1 from generate_series(1000, 3000) n"
            )
        )
        await opened.sql.execute(
            text(
                "insert into drafts (workflow_id, revision, document) select id, 1, '' from workflows where id <> :own"
            ),
            {"own": row.id},
        )
        await opened.sql.execute(
            text(
                "insert into versions (workflow_id, version, hash, starts, document, plan) "
                "select workflow_id, n, hash, starts, document, plan from versions, generate_series(2, 1500) n"
            )
        )
        await opened.sql.execute(
            text(
                "insert into tags (workflow_id, tag, version) select workflow_id, 't' || version, version from versions"
            )
        )
    return tenant


@asynccontextmanager
async def recorded(store: Database) -> AsyncGenerator[list[tuple[str, Any]]]:
    """What is asked of the database while this lasts."""
    statements: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    engine = store.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def found(plan: Any) -> list[str]:
    """The kinds of all scans in a plan."""
    if isinstance(plan, list):
        return [kind for part in plan for kind in found(part)]
    own = [plan["Node Type"]] if "Scan" in plan.get("Node Type", "") else []
    return own + found(plan.get("Plans", [])) + (found(plan["Plan"]) if "Plan" in plan else [])
