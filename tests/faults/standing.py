"""A whole installation of processes that a test may kill: PostgreSQL, Temporal, an API, workers; and a caller of it."""

import asyncio
import base64
import secrets
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from pydantic import JsonValue
from temporalio.client import Client

from runtime import local_postgres, local_temporal
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from store import tenants
from store.database import Database, database
from store.ids import TenantId
from store.migrate import migrate
from store.roles import MIGRATOR, make_database, make_roles
from store.sealing import new_master_key, read_keyring
from store.session import session
from tests.faults.processes import Process
from tests.postgres import PASSWORD, Server, another_tenant
from tests.postgres import ready as postgres_ready
from tests.temporal import free_port, ready

DATABASE = "perdure"


@dataclass
class Installation:
    """Its processes, and the ways to them."""

    postgres: Process
    api: Process
    workers: Sequence[Process]
    server: Server
    """Where PostgreSQL is."""
    client: Client
    store: Database
    tenant: TenantId
    http: httpx2.AsyncClient

    async def ask(self, method: str, path: str, *, json: JsonValue = None, **how: Any) -> httpx2.Response:
        """Ask the API until it answers something else than to come back later."""
        while True:
            with suppress(httpx2.TransportError):
                answer = await self.http.request(method, path, json=json, **how)
                if answer.status_code != 503:
                    return answer
            await asyncio.sleep(0.2)

    async def started(self, workflow: str, input: JsonValue = None) -> str:
        """Start an execution, once, whatever dies meanwhile."""
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        answer = await self.ask("POST", f"/workflows/{workflow}/executions", json={"input": input}, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["id"]

    async def ended(self, execution: str, *, attempt: int = 1) -> dict[str, Any]:
        """An execution once an attempt at it has ended."""
        while True:
            answer = await self.ask("GET", f"/workflows/executions/{execution}")
            assert answer.status_code == 200, answer.text
            told = answer.json()
            if told["closed_at"] is not None and told["attempt"] >= attempt:
                return told
            await asyncio.sleep(0.5)


@asynccontextmanager
async def standing(folder: Path, *, workers: int = 2) -> AsyncGenerator[Installation]:
    """Run all of it for as long as this lasts."""
    data, key = folder / "postgres", new_master_key()
    local_postgres.prepare(data, password=PASSWORD)
    server, temporal, port = Server(free_port()), f"127.0.0.1:{free_port()}", free_port()
    keyring = read_keyring(key)
    env = {
        "PERDURE_DATABASE_URL": server.url(DATABASE),
        "PERDURE_MASTER_KEY": "\n".join(base64.b64encode(each).decode() for each in keyring.keys),
        "PERDURE_TEMPORAL_ADDRESS": temporal,
        "PERDURE_EGRESS_ALLOW": "127.0.0.0/8",
        "PERDURE_API_PORT": str(port),
    }
    postgres = Process([*local_postgres.command(data, server.port)], folder / "postgres.log")
    history = local_temporal.command(int(temporal.partition(":")[2]), database=folder / "temporal.db")
    processes = [
        Process([*history], folder / "temporal.log"),
        Process([sys.executable, "-m", "api"], folder / "api.log", env),
        *(Process([sys.executable, "-m", "worker"], folder / f"worker{n}.log", env) for n in range(workers)),
    ]
    async with AsyncExitStack() as stack:
        for process in (postgres, *processes):
            stack.callback(process.kill)
        postgres.start()
        processes[0].start()
        postgres_ready(server)
        make_roles(server.superuser, migrator=PASSWORD, app=PASSWORD)
        make_database(server.superuser, DATABASE)
        migrate(server.url(DATABASE, MIGRATOR))
        await ready(temporal)
        for process in processes[1:]:
            process.start()
        store = await stack.enter_async_context(database(server.url(DATABASE), keyring))
        client = await connect(
            Settings(temporal_address=temporal), storage=DatabaseStorage(store), keyring=store.keyring
        )
        tenant = await another_tenant(store)
        async with session(store, tenant) as opened:
            headers = {"Authorization": f"Bearer {await tenants.add_key(opened, name='test')}"}
        http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=30, trust_env=False
        )
        await stack.enter_async_context(http)
        installation = Installation(postgres, processes[1], processes[2:], server, client, store, tenant, http)
        async with asyncio.timeout(60):
            while (await installation.ask("GET", "/health/ready")).status_code != 200:
                await asyncio.sleep(0.2)
        yield installation
