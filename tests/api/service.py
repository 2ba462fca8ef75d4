"""A real API on loopback, over a real PostgreSQL and a real Temporal, for tests to call."""

import asyncio
import base64
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
from pydantic import SecretStr

from api.server import server
from runtime.settings import Settings
from runtime.tracing import Tracing
from store import tenants
from store.database import Database
from store.ids import TenantId
from store.session import session
from tests.postgres import another_tenant


@dataclass(frozen=True)
class Caller:
    """A tenant, and an API client that has its key. Addresses begin after `/api/v1`."""

    tenant: TenantId
    key: str
    http: httpx2.AsyncClient


@dataclass(frozen=True)
class Api:
    """A running API."""

    url: str
    settings: Settings


@asynccontextmanager
async def serving(settings: Settings, traces: Tracing | None = None) -> AsyncGenerator[Api]:
    """Run the API for as long as this lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serves = server(settings, traces)
        running = asyncio.create_task(serves.serve(sockets=[listening]))
        try:
            while not serves.started:
                assert not running.done(), "the API did not start"
                await asyncio.sleep(0.005)
            yield Api(f"http://127.0.0.1:{listening.getsockname()[1]}", settings)
        finally:
            serves.should_exit = True
            await running


@pytest.fixture
def api_settings(temporal: str, database_url: str, store: Database) -> Settings:
    """The settings of an API over this test's database."""
    return Settings(
        temporal_address=temporal,
        database_url=SecretStr(database_url),
        master_key=SecretStr(written(store)),
        queue=f"queue-{database_url.rpartition('/')[2]}",
    )


@pytest.fixture
async def api(api_settings: Settings) -> AsyncGenerator[Api]:
    """A running API."""
    async with serving(api_settings) as running:
        yield running


@pytest.fixture
async def me(api: Api, store: Database, tenant: TenantId) -> AsyncGenerator[Caller]:
    """A tenant's own client."""
    async with calling(api, store, tenant) as caller:
        yield caller


@pytest.fixture
async def stranger(api: Api, store: Database) -> AsyncGenerator[Caller]:
    """Another tenant's client."""
    async with calling(api, store, await another_tenant(store)) as caller:
        yield caller


@pytest.fixture
async def nobody(api: Api) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client without a key."""
    async with httpx2.AsyncClient(base_url=f"{api.url}/api/v1", timeout=30, trust_env=False, verify=False) as http:
        yield http


@asynccontextmanager
async def calling(api: Api, store: Database, tenant: TenantId) -> AsyncGenerator[Caller]:
    """Make a key of a tenant, and a client that has it."""
    async with session(store, tenant) as opened:
        key = await tenants.add_key(opened, name="test")
    headers = {"Authorization": f"Bearer {key}"}
    base = f"{api.url}/api/v1"
    async with httpx2.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False, verify=False) as http:
        yield Caller(tenant, key, http)


def written(store: Database) -> str:
    """The master key of a store, as the environment has it."""
    return "\n".join(base64.b64encode(key).decode() for key in store.keyring.keys)
