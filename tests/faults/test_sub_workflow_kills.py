"""Sub-workflows outlive the death of their worker: each is started once, and its end is heard."""

import asyncio
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from activities import registry
from dag.draft import draft
from interpreter.start import Start
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.executions import start
from runtime.settings import Settings
from runtime.starting import ready
from store import execution_search, ids, versions, workflows
from store.database import Database
from store.execution_search import Filters
from store.ids import TenantId
from store.session import session
from tests.faults.processes import Process
from tests.interpreter.engine import ended

pytestmark = pytest.mark.usefixtures("no_schedule")

CHILDREN = 40


async def publish(store: Database, tenant: TenantId, name: str, nodes: dict[str, Any]) -> None:
    async with session(store, tenant) as s:
        row, _ = await workflows.put(s, draft({"language": 1, "name": name, "nodes": nodes}))
        await versions.add(s, row, catalog=registry.catalog(registry.load()))


async def children(store: Database, tenant: TenantId) -> Sequence[object]:
    async with session(store, tenant) as s:
        return await execution_search.page(s, Filters(trigger="workflow"), after=None, limit=500)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_each_child_is_started_once_and_heard_whenever_the_worker_dies(
    temporal: str, tmp_path: Path, store: Database, tenant: TenantId, installation: dict[str, str]
) -> None:
    queue = f"q-{uuid.uuid4().hex}"
    env = {**installation, "PERDURE_TEMPORAL_ADDRESS": temporal, "PERDURE_QUEUE": queue}
    worker = Process([sys.executable, "-m", "worker"], tmp_path / "worker.log", env)
    client = await connect(Settings(temporal_address=temporal), storage=DatabaseStorage(store), keyring=store.keyring)
    leaf = {
        "pause": {"type": "delay", "config": {"for": "200ms"}},
        "x": {"type": "transform", "needs": ["pause"], "config": {"expression": "input * 2"}},
    }
    await publish(store, tenant, "leaf", leaf)
    call = {"type": "workflow", "config": {"name": "leaf", "input": "${{ item }}"}}
    config = {"items": f"[1..{CHILDREN}]", "concurrency": 4, "body": {"nodes": {"call": call}}}
    await publish(store, tenant, "parent", {"each": {"type": "for_each", "config": config}})
    found = await ready(store, tenant, "parent", None, None)
    worker.start()
    try:
        handle = await start(client, found.plan.plan, Start(), tenant=tenant, execution=ids.execution(), queue=queue)
        ending = asyncio.create_task(ended(handle))
        for count in (5, 17, 31):
            while len(await children(store, tenant)) < count:
                await asyncio.sleep(0.02)
            worker.kill()
            worker.start()
        assert (await ending).output == [2 * n for n in range(1, CHILDREN + 1)]
    finally:
        worker.kill()
    assert len(await children(store, tenant)) == CHILDREN
