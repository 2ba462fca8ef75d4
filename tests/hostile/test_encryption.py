"""Whoever copies the disks of Temporal and PostgreSQL reads nothing that tenants wrote or computed."""

import asyncio
import secrets
import sys
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from pydantic import JsonValue
from temporalio.client import WorkflowFailureError

from interpreter.start import Start
from runtime import local_temporal
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.executions import start
from runtime.settings import Settings
from store import env as settings_of
from store import secrets as secrets_of
from store.database import Database
from store.ids import TenantId
from store.session import session
from tests.activities.http_server import Request, json_reply, serving
from tests.faults.processes import Process
from tests.interpreter.publishing import published
from tests.postgres import Server
from tests.temporal import free_port, ready

MARK = f"m4rk{uuid.uuid4().hex}"
"""Stands in everything that must not be found; what may be read holds the name below."""
NAME = f"shown-{uuid.uuid4().hex[:8]}"


def flow(port: int) -> dict[str, Any]:
    """Says the mark in every place where a tenant's words or values can be."""
    return {
        "language": 1,
        "name": NAME,
        "title": f"{MARK} title",
        "vars": {"kept": f"{MARK} variable"},
        "nodes": {
            "call": {
                "type": "http.request",
                "title": f"{MARK} step",
                "config": {
                    "method": "POST",
                    "url": f"http://127.0.0.1:{port}/{MARK}",
                    "headers": {"authorization": "Bearer ${{ secrets.token }}"},
                    "body": {"given": "${{ input.small }}", "plain": "${{ env.rate }}", "also": "${{ vars.kept }}"},
                },
            },
            "quick": {
                "type": "code.python",
                "needs": ["call"],
                "config": {
                    "code": f"print('{MARK} log')\nresult = input + ' {MARK} code'",
                    "input": "${{ input.small }}",
                },
            },
            "large": {"type": "transform", "needs": ["quick"], "config": {"expression": "input.large"}},
            "wrong": {
                "type": "code.python",
                "needs": ["large"],
                "config": {"code": f"raise ValueError('{MARK} raised')"},
                "on_error": "continue",
            },
            "fails": {
                "type": "fail",
                "needs": ["wrong"],
                "config": {"code": "user.marked", "message": f"{MARK} ${{{{ nodes.quick.output }}}}"},
            },
        },
    }


def found(word: str, files: Iterable[Path]) -> list[str]:
    return [file.name for file in files if word.encode() in file.read_bytes()]


def written(folder: Path, *, since: float, own: str = "") -> list[Path]:
    """The files that have changed since, but for those of other databases: other tests fill the same server."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.stat().st_mtime >= since)
    return [file for file in files if file.parent.parent.name != "base" or file.parent.name == own]


async def test_nothing_that_tenants_own_can_be_read_on_disk(
    store: Database,
    tenant: TenantId,
    postgres: Server,
    database_name: str,
    installation: dict[str, str],
    tmp_path: Path,
) -> None:
    async with session(store, tenant) as opened:
        await secrets_of.put(opened, "token", f"{MARK} secret")
        await settings_of.put(opened, "rate", f"{MARK} env")
        env = await settings_of.values(opened)
    began = time.time() - 1
    port, database = free_port(), tmp_path / "temporal.db"
    server = Process(local_temporal.command(port, database=database), tmp_path / "server.log")
    address = {"PERDURE_TEMPORAL_ADDRESS": f"127.0.0.1:{port}", "PERDURE_EGRESS_ALLOW": "127.0.0.0/8"}
    log = tmp_path / "worker.log"
    worker = Process([sys.executable, "-m", "worker"], log, {**installation, **address})

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        assert request.header("authorization") == f"Bearer {MARK} secret"
        writer.write(json_reply(f'{{"answered": "{MARK} reply"}}'.encode()))

    try:
        server.start()
        await ready(f"127.0.0.1:{port}")
        worker.start()
        options = Settings(temporal_address=f"127.0.0.1:{port}")
        client = await connect(options, storage=DatabaseStorage(store), keyring=store.keyring)
        async with serving(answer) as http:
            given: JsonValue = {
                "small": f"{MARK} input",
                "large": [f"{MARK} {secrets.token_hex(20)}" for _ in range(5_000)],
            }
            handle = await start(
                client,
                published(flow(http.port)),
                Start(input=given, env=env),
                tenant=tenant,
                execution="ex_1",
                queue="perdure",
                request="h4sh",
            )
            try:
                await asyncio.wait_for(handle.result(), 60)
                raise AssertionError("it must fail")
            except WorkflowFailureError as failure:
                told = str(failure.cause)
            assert f"{MARK} {MARK} input {MARK} code" in told, "whoever has the key reads all of it"
            assert http.requests[0].body.count(MARK.encode()) == 3
        with psycopg.connect(postgres.url(database_name, "postgres"), autocommit=True) as connection:
            async with asyncio.timeout(30):
                while not connection.execute("select 1 from executions where status = 'failed'").fetchone():
                    await asyncio.sleep(0.1)
            assert connection.execute("select 1 from payloads").fetchone(), "the large input is there"
            connection.execute("checkpoint")
            [data, own] = connection.execute(
                "select current_setting('data_directory'), oid::text from pg_database where datname = %s",
                [database_name],
            ).fetchone() or ["", ""]
    finally:
        worker.kill()
        server.kill()
    for files in (written(tmp_path, since=began), written(Path(data), since=began, own=own)):
        assert found(NAME, files), "this way something would be found"
        assert found(MARK, files) == []
