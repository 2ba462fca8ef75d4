"""What workflows depend on, and who waits for it, is found by indexes."""

import psycopg
from sqlalchemy import text

from dag.dependencies import Awaited
from store import dependencies
from store.arrays import array
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.roles import MIGRATOR
from store.session import session
from tests.postgres import Server

FILLED = (
    """
    insert into executions (id, workflow, version, status, trigger, labels, started_at, closed_at)
    select 'ex_' || n, 'w-' || n % 50, 1, (array['succeeded', 'failed'])[1 + n % 2],
        (array['api', 'test'])[1 + n / 2 % 2], '{}', now() - n * interval '1 s', now() - n * interval '1 s'
    from generate_series(1, 20000) as n""",
    """
    insert into dependency_waits (execution_id, workflow, within)
    select 'wait_' || n, 'w-' || n % 500, 3600 from generate_series(1, 5000) as n""",
)


async def test_what_has_succeeded_and_who_waits_for_it_is_found_by_indexes(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    async with session(store, tenant) as s:
        for statement in FILLED:
            await s.sql.execute(text(statement))
    with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
        connection.execute("analyze executions")
        connection.execute("analyze dependency_waits")
    asked = {"names": array(["w-4", "w-5"]), "within": array([3600.0, 60.0])}
    async with session(store, tenant) as s:
        unmet = "\n".join(await s.sql.scalars(text(f"explain {dependencies._UNMET.text}"), asked))
        waiting = "\n".join(
            await s.sql.scalars(text(f"explain {dependencies._WAITING_FOR.text}"), {"ids": array(["ex_4"])})
        )
        assert await dependencies.unmet(s, [Awaited("w-4", 3600), Awaited("w-5", 60), Awaited("nobody", 9)]) == [
            "nobody",
            "w-5",
        ]
        assert len(await dependencies.waiting_for(s, ["ex_4", "ex_5"])) == 10
        await dependencies.wait_no_longer(s, ExecutionId("wait_4"))
        assert len(await dependencies.waiting_for(s, ["ex_4"])) == 9
    assert "executions_succeeded" in unmet, unmet
    assert "dependency_waits_by_workflow" in waiting, waiting
    assert "Seq Scan" not in unmet + waiting, unmet + waiting
