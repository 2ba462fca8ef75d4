"""A worker beside the API, whose journal goes to the same database."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from activities import registry
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from runtime.tracing import Tracing
from store.database import Database
from tests.api.service import Caller
from worker.cache import CacheInStore
from worker.dependencies import waking
from worker.host import means, worker
from worker.journal import writing
from worker.ours import OUR_WORKFLOWS, our_activities
from worker.secrets import SecretsInStore
from worker.sink import BufferedSink, Entry


@asynccontextmanager
async def working_on(
    settings: Settings, store: Database, *, journal: bool = True, traces: Tracing | None = None
) -> AsyncGenerator[None]:
    """Run a worker for as long as this lasts; without a journal nothing of what it does comes to the database."""

    async def nothing(batch: Sequence[Entry]) -> None:
        pass

    quick = settings.model_copy(update={"graceful_shutdown": timedelta(seconds=1)})
    storage = DatabaseStorage(store)
    client = await connect(quick, storage=storage, keyring=store.keyring, tracing=traces)
    write = writing(store, waking(client, store)) if journal else nothing
    async with (
        BufferedSink(write) as sink,
        means(
            quick,
            types=registry.load(),
            secrets=SecretsInStore(store),
            cache=CacheInStore(store),
            storage=storage,
            tracing=traces,
        ) as shared,
        worker(
            client,
            quick,
            means=shared,
            sink=sink,
            workflows=OUR_WORKFLOWS,
            activities=our_activities(client, store),
            tracing=traces,
        ),
    ):
        yield


@pytest.fixture
async def working(api_settings: Settings, store: Database) -> AsyncGenerator[None]:
    """A running worker."""
    async with working_on(api_settings, store):
        yield


def definition(name: str = "greeting", **more: Any) -> dict[str, JsonValue]:
    """A workflow that ends at once."""
    return {
        "language": 1,
        "name": name,
        "nodes": {"greet": {"type": "transform", "config": {"expression": "'Hello ' & input.name"}}},
        **more,
    }


def waiting(name: str = "waiting", seconds: str = "1h") -> dict[str, JsonValue]:
    """A workflow that waits."""
    return definition(name, nodes={"pause": {"type": "delay", "config": {"for": seconds}}})


async def published(me: Caller, document: dict[str, JsonValue]) -> dict[str, Any]:
    """Make a workflow and its first version."""
    answer = await me.http.post("/workflows?publish=true", json=document)
    assert answer.status_code == 201, answer.text
    return answer.json()
