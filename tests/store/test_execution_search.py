"""A list is found whole and in its order, along whatever index, in parts of whatever size."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from store import execution_search
from store.database import Database
from store.execution_search import Filters, Listed, Place
from store.ids import TenantId
from store.session import Session, session

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
HALF = BEGAN + timedelta(seconds=150)
ASKED: dict[str, tuple[Filters, str]] = {
    "all": (Filters(), "true"),
    "a workflow": (Filters(workflow="w-1"), "workflow = 'w-1'"),
    "a version": (Filters(workflow="w-1", version=2), "workflow = 'w-1' and version = 2"),
    "statuses": (Filters(status=["failed", "running", "failed"]), "status in ('failed', 'running')"),
    "statuses of a workflow": (
        Filters(workflow="w-1", status=["failed", "running"]),
        "workflow = 'w-1' and status in ('failed', 'running')",
    ),
    "a trigger of a workflow, failed": (
        Filters(workflow="w-1", trigger="schedule", status=["failed"]),
        "workflow = 'w-1' and trigger = 'schedule' and status = 'failed'",
    ),
    "two labels": (Filters(label=[("team", "t-1"), ("place", "p-2")]), "id_n % 3 = 1 and id_n % 5 = 2"),
    "a label, failed, of an hour": (
        Filters(label=[("team", "t-1")], status=["failed"], started_after=BEGAN, started_before=HALF),
        "id_n % 3 = 1 and status = 'failed' and started_at < '2026-01-01 00:02:30Z'",
    ),
    "a label of a workflow": (Filters(workflow="w-1", label=[("team", "t-1")]), "workflow = 'w-1' and id_n % 3 = 1"),
    "errors of a workflow": (
        Filters(workflow="w-1", error_code="user"),
        "workflow = 'w-1' and error_code like any ('{user, user.%}')",
    ),
    "errors of one code": (Filters(error_code="user.else"), "error_code = 'user.else'"),
    "errors of a family": (Filters(error_code="user.no"), "error_code in ('user.no', 'user.no.more')"),
    "errors of a large family": (Filters(error_code="user"), "error_code like any ('{user, user.%}')"),
    "errors of a family, of a trigger, with a label": (
        Filters(error_code="user", trigger="api", label=[("team", "t-1")]),
        "error_code like any ('{user, user.%}') and trigger = 'api' and id_n % 3 = 1",
    ),
    "errors of no workflow": (Filters(error_code="use"), "false"),
    "closed, failed": (
        Filters(status=["failed"], closed_after=BEGAN, closed_before=HALF),
        "status = 'failed' and closed_at < '2026-01-01 00:02:30Z'",
    ),
    "a parent's, failed": (
        Filters(parent="ex_1", status=["failed"]),
        "parent_execution = 'ex_1' and status = 'failed'",
    ),
    "some of those named": (Filters(ids=["ex_1000", "ex_1004"], status=["failed"]), "id = 'ex_1004'"),
}


@pytest.mark.parametrize(("most", "codes"), [(3, 50), (7, 1), (50, 50), (1_000, 1)])
async def test_a_list_in_parts_is_the_whole_list(
    store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch, most: int, codes: int
) -> None:
    monkeypatch.setattr(execution_search, "MOST_CODES", codes)
    async with session(store, tenant) as opened:
        for statement in FILL:
            await opened.sql.execute(text(statement))
        for name, (filters, condition) in ASKED.items():
            rows = await opened.sql.scalars(text(_EXPECTED.format(condition=condition)))
            expected = rows.all()
            assert expected or condition == "false", name
            assert await whole(opened, filters, most) == expected, name
            paged = await execution_search.page(opened, filters, after=None, limit=4)
            assert [each.id for each in paged] == expected[:4], name
        await opened.sql.rollback()


async def test_parts_tell_only_where_something_may_follow(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        for statement in FILL:
            await opened.sql.execute(text(statement))
        every = await execution_search.some(opened, Filters(), after=None, limit=300)
        assert (len(every.rows), every.next) == (300, None)
        first = await execution_search.some(opened, Filters(), after=None, limit=299)
        assert first.next == place(first.rows[-1])
        rare = replace(Filters(), label=[("team", "t-1")], status=["failed"])
        one = await execution_search.some(opened, rare, after=None, limit=50, most=3)
        assert one.next is not None
        assert len(one.rows) <= 3
        await opened.sql.rollback()


async def whole(opened: Session, filters: Filters, most: int) -> Sequence[str]:
    found: list[str] = []
    after: Place | None = None
    while True:
        part = await execution_search.some(opened, filters, after=after, limit=20, most=most)
        found += [each.id for each in part.rows]
        if part.next is None:
            return found
        after = part.next


def place(row: Listed) -> Place:
    return row.started_at, row.id


_EXPECTED = """
select id from (select *, substr(id, 4)::int as id_n from executions) as e
where {condition} order by started_at desc, id desc
"""
FILL = [
    """insert into executions (id, workflow_id, workflow, version, status, trigger, labels, started_at, closed_at,
        error_code, parent_execution, parent_path)
    select 'ex_' || n, 'wf_' || n % 2, 'w-' || n % 2, 1 + n % 3,
        case when n % 4 = 0 and n % 8 > 0 or n % 7 = 1 then 'failed'
            when n % 11 = 0 then 'running' else 'succeeded' end,
        case when n % 5 = 0 then 'schedule' else 'api' end, '{}',
        timestamptz '2026-01-01 00:00:00Z' + (n - 1000) / 2 * interval '1 second' + interval '1 second',
        timestamptz '2026-01-01 00:00:01Z' + (n - 1000) / 2 * interval '1 second' + interval '1 second',
        case when n % 4 = 0 and n % 8 > 0 or n % 7 = 1
            then ('{user.no, user.no.more, user.else, user-not, user}'::text[])[1 + n % 5] end,
        case when n % 3 = 0 then 'ex_1' end, case when n % 3 = 0 then 'call' end
    from generate_series(1000, 1299) n""",
    """insert into search_values (key, value, execution_id, started_at)
    select 'label.team', 't-' || substr(id, 4)::int % 3, id, started_at from executions""",
    """insert into search_values (key, value, execution_id, started_at)
    select 'label.place', 'p-' || substr(id, 4)::int % 5, id, started_at from executions""",
]
