"""What the journal tells of strands: which have ended, and which are not whole."""

import psycopg
from sqlalchemy import text

from dag.strands import batch_strand
from store import strands
from store.arrays import array
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.postgres import MIGRATOR, Server

ONE = ExecutionId("ex_1")


async def test_strands_that_nobody_has_heard_of_are_not_known_to_have_ended(store: Database, tenant: TenantId) -> None:
    unknown = [(ONE, batch_strand("loop", 0))]
    async with session(store, tenant) as opened:
        assert await strands.not_ended(opened, []) == []
        assert await strands.not_ended(opened, unknown) == unknown
        assert await strands.not_whole(opened, ONE) == []


async def test_what_is_asked_of_strands_uses_indexes(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    """Of few executions among many, all of which have large loops."""
    async with session(store, tenant) as opened:
        await opened.sql.execute(
            text("""
            insert into executions (id, workflow, version, status, trigger, labels, started_at)
            select 'ex_' || n, 'w', 1, 'running', 'manual', '{}', now() from generate_series(1, 200) as n""")
        )
        await opened.sql.execute(
            text("""
            insert into events (execution_id, seq, attempt, strand, n, type, path, at, previous, checksum, task)
            select 'ex_' || 1 + n % 200, 1 + n / 200, 1, 'loop/' || n / 2000, 1 + n / 200 % 10, 'node.started',
                'loop[0].a', now(), 0, 0, 1 from generate_series(0, 19999) as n""")
        )
    with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
        connection.execute("analyze events")
        connection.execute("analyze executions")
    wanted = {"executions": array(["ex_1", "ex_2"]), "strands": array(["loop/1", "loop/2"])}
    plans: list[str] = []
    async with session(store, tenant) as opened:
        for query, values in (
            (strands._ENDED, wanted),
            (strands._BEGUN, {"execution": ONE, "strand": None}),
            (strands._WHOLE, {"execution": ONE}),
        ):
            plans.append("\n".join(await opened.sql.scalars(text(f"explain {query.text}"), values)))
    assert "events_by_number" in plans[0]
    assert "Seq Scan on events" not in "\n".join(plans), plans
