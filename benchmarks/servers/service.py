"""The whole service beside the stage's Temporal: PostgreSQL, an API process and a worker process that writes the
journal, as in production; a plug-in of both processes brings the benchmarks' activity types."""

import asyncio
import base64
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
from pydantic import JsonValue
from temporalio.client import Client

from activities import registry
from benchmarks.case import Stage
from benchmarks.executions import WrongResult
from benchmarks.interpreted import plug_ins
from benchmarks.processes import LOOPBACK, Child, ChildFailed, child, free_ports, tail
from benchmarks.servers.postgres import Server, postgres
from benchmarks.storage import KEYRING
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from store import ids, plans, tenants
from store.database import Database, database
from store.ids import TenantId
from store.migrate import migrate
from store.plans import PlanRow
from store.roles import APP, MIGRATOR, make_database, make_roles
from store.session import session
from worker.reconcile import RECONCILE

NAME = "perdure"
WAITS = 200
"""Connections of the client: as many requests may wait at once."""


@dataclass(frozen=True)
class Store:
    """A database of the service, and its one tenant."""

    database: Database
    tenant: TenantId
    url: str


@dataclass(frozen=True)
class Service:
    """What a client of the service has, and what it takes to do the same without the API."""

    http: httpx2.AsyncClient
    """With a key; addresses begin after `/api/v1`."""
    store: Store
    client: Client
    queue: str
    api: Child

    async def publish(self, document: Mapping[str, JsonValue]) -> PlanRow:
        """Store a workflow through the API; gives its plan."""
        reply = await self.http.post("/workflows", params={"publish": "true"}, json=document)
        if not reply.is_success:
            raise WrongResult(f"The API answered {reply.status_code}: {reply.text}")
        async with session(self.store.database, self.store.tenant) as s:
            return await plans.plan(s, reply.json()["name"])


@asynccontextmanager
async def store(stage: Stage) -> AsyncGenerator[Store]:
    """Run a PostgreSQL with an empty database of ours, opened as the role that processes have."""
    folder = Path(tempfile.mkdtemp(prefix="store-", dir=stage.folder))
    async with postgres(folder) as server:
        await asyncio.to_thread(make_tables, server)
        url = server.url(APP, NAME)
        async with database(url, KEYRING) as opened:
            tenant = ids.tenant()
            async with session(opened, tenant) as first:
                await tenants.add(first, name="benchmark")
            yield Store(opened, tenant, url)


@asynccontextmanager
async def service(stage: Stage) -> AsyncGenerator[Service]:
    """Run everything for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(store(stage))
        async with session(kept.database, kept.tenant) as opened:
            key = await tenants.add_key(opened, name="benchmark")
        (port,) = free_ports(1)
        env = {
            "PERDURE_TEMPORAL_ADDRESS": stage.address,
            "PERDURE_DATABASE_URL": kept.url,
            "PERDURE_MASTER_KEY": "\n".join(base64.b64encode(key).decode() for key in KEYRING.keys),
            "PERDURE_QUEUE": f"service-{port}",
            "PERDURE_API_PORT": str(port),
            "PERDURE_GRACEFUL_SHUTDOWN": "3",
            "PYTHONPATH": str(_plugged_in(stage.folder)),
        }
        running = [
            await stack.enter_async_context(child(_program(name), stage.folder / f"{name}-{port}.log", env=env))
            for name in ("api", "worker")
        ]
        http = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=f"http://{LOOPBACK}:{port}/api/v1",
                headers={"Authorization": f"Bearer {key}"},
                timeout=75,
                trust_env=False,
                limits=httpx2.Limits(max_connections=WAITS, max_keepalive_connections=WAITS),
            )
        )
        await _ready(http, running)
        settings = Settings.model_validate({"temporal_address": stage.address})
        client = await connect(settings, storage=DatabaseStorage(kept.database), keyring=KEYRING)
        # Else it would go on starting passes on a queue that nobody works on any more.
        stack.push_async_callback(client.get_schedule_handle(RECONCILE).delete)
        yield Service(http, kept, client, env["PERDURE_QUEUE"], running[0])


def make_tables(server: Server) -> None:
    make_roles(server.url(), migrator=server.password, app=server.password)
    make_database(server.url(), NAME)
    migrate(server.url(MIGRATOR, NAME))


def _program(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _plugged_in(folder: Path) -> Path:
    """A distribution with nothing in it but entry points, as that of any plug-in has them."""
    place = folder / "plug-ins"
    info = place / "benchmark_steps-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    types: Mapping[str, str] = {plug_ins.STEP.name: "STEP", plug_ins.READ.name: "READ"}
    lines = [f"{name} = {plug_ins.__name__}:{constant}" for name, constant in types.items()]
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: benchmark-steps\nVersion: 1\n")
    (info / "entry_points.txt").write_text("\n".join([f"[{registry.GROUP}]", *lines, ""]))
    return place


async def _ready(http: httpx2.AsyncClient, running: Sequence[Child], *, within: float = 60.0) -> None:
    async with asyncio.timeout(within):
        while True:
            for each in running:
                if each.process.returncode is not None:
                    raise ChildFailed(f"{each.log.stem} ended with {each.process.returncode}:\n{tail(each.log)}")
            with suppress(httpx2.TransportError):
                if (await http.get("/health/ready")).is_success:
                    return
            await asyncio.sleep(0.05)
