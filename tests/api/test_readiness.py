"""Readiness tells the truth about the database, Temporal and the workers; the rest says what is away."""

import signal

import httpx2
import psycopg
import pytest
from psycopg import sql

from runtime.settings import Settings
from store.database import Database
from store.ids import TenantId
from store.roles import MIGRATOR
from tests.api.processes import answering, environment, run, said
from tests.api.service import Api, Caller, calling, serving
from tests.api.test_workflows import code, definition
from tests.postgres import Server
from tests.temporal import free_port


async def readiness(api: Api) -> tuple[int, dict[str, bool]]:
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.get(f"{api.url}/api/v1/health/ready")
        assert (await http.get(f"{api.url}/api/v1/health/live")).status_code == 200
    told = answer.json()
    parts = {name: told[name]["ok"] for name in ("database", "temporal", "workers")}
    assert told["ready"] == all(parts.values())
    assert all((told[name]["hint"] is None) == ok for name, ok in parts.items())
    return answer.status_code, parts


@pytest.mark.usefixtures("working")
async def test_with_database_temporal_and_a_worker_the_api_is_ready(api: Api) -> None:
    assert await readiness(api) == (200, {"database": True, "temporal": True, "workers": True})


async def test_without_a_worker_it_is_not(api: Api) -> None:
    assert await readiness(api) == (503, {"database": True, "temporal": True, "workers": False})


async def test_without_temporal_it_is_not_but_what_needs_no_temporal_works(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    away = api_settings.model_copy(update={"temporal_address": f"127.0.0.1:{free_port()}"})
    async with serving(away) as api, calling(api, store, tenant) as me:
        assert await readiness(api) == (503, {"database": True, "temporal": False, "workers": False})
        assert (await me.http.get("/workflows")).status_code == 200


async def test_a_database_without_the_newest_migration_is_told(api: Api, postgres: Server, database_name: str) -> None:
    with psycopg.connect(postgres.url(database_name, MIGRATOR)) as connection:
        connection.execute("update alembic_version set version_num = '0000'")
    assert await readiness(api) == (503, {"database": False, "temporal": True, "workers": False})


async def test_while_the_database_is_away_everything_answers_503_and_goes_on_when_it_is_back(
    api: Api, me: Caller, postgres: Server, database_name: str
) -> None:
    name = sql.Identifier(database_name)
    assert (await me.http.post("/workflows", json=definition())).status_code == 201
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("alter database {} allow_connections false").format(name))
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database_name])
        assert await readiness(api) == (503, {"database": False, "temporal": True, "workers": False})
        for method, path, body in [
            ("GET", "/workflows", None),
            ("GET", "/workflows/greeting", None),
            ("POST", "/workflows", definition("other")),
            ("PUT", "/secrets/token", {"value": "x"}),
        ]:
            answer = await me.http.request(method, path, json=body)
            assert code(answer) == (503, "store.unavailable"), path
            assert int(answer.headers["retry-after"]) > 0
        connection.execute(sql.SQL("alter database {} allow_connections true").format(name))
    assert (await me.http.get("/workflows/greeting")).status_code == 200
    assert await readiness(api) == (503, {"database": True, "temporal": True, "workers": False})


async def test_the_process_serves_until_it_is_asked_to_stop_and_says_why_it_cannot(api_settings: Settings) -> None:
    port = free_port()
    variables = environment(api_settings, port)
    with run(variables) as process:
        async with httpx2.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}/api/v1") as http:
            await answering(process, http)
            assert (await http.get("/health/live?x=hunter2")).status_code == 422
        with run(variables) as second:
            assert second.wait(60) == 1
            assert "address already in use" in said(second)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        log = said(process)
    assert "GET /api/v1/health/live 422" in log
    assert "hunter2" not in log
    with run({**variables, "PERDURE_MASTER_KEY": ""}) as keyless:
        assert keyless.wait(60) == 1
        assert "PERDURE_MASTER_KEY" in said(keyless)
