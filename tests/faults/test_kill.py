"""Processes die at the worst moment: everything finishes, each effect under one key, and the journal heals."""

import asyncio
import sys
import uuid
from pathlib import Path

import pytest

from interpreter.start import Start
from runtime import local_temporal
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.executions import start
from runtime.settings import Settings
from store.database import Database
from store.ids import ExecutionId, TenantId
from tests.faults.effects import flow
from tests.faults.processes import Process, recording
from tests.interpreter.publishing import published
from tests.store.telling import stored
from tests.temporal import free_port, ready
from tests.worker.journals import is_whole
from worker.healing import heal

pytestmark = pytest.mark.usefixtures("no_schedule")

SECONDS_TO_FINISH = 100


@pytest.mark.timeout(240)
@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "server", "both"])
async def test_killing_in_mid_execution_loses_nothing(
    victim: str, tmp_path: Path, store: Database, tenant: TenantId, installation: dict[str, str]
) -> None:
    port, queue = free_port(), f"q-{uuid.uuid4().hex}"
    server = Process(local_temporal.command(port, database=tmp_path / "temporal.db"), tmp_path / "server.log")
    env = {
        **installation,
        "PERDURE_TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        "PERDURE_QUEUE": queue,
        "PERDURE_EGRESS_ALLOW": "127.0.0.0/8",
    }
    worker = Process([sys.executable, "-m", "worker"], tmp_path / "worker.log", env)
    try:
        server.start()
        await ready(f"127.0.0.1:{port}")
        worker.start()
        async with recording() as (recorder, http):
            settings = Settings(temporal_address=f"127.0.0.1:{port}")
            client = await connect(settings, storage=DatabaseStorage(store), keyring=store.keyring)
            plan = published(flow(http))
            ids = [ExecutionId(f"ex_{n}") for n in range(6)]
            handles = [await start(client, plan, Start(), tenant=tenant, execution=id, queue=queue) for id in ids]
            while recorder.requests < 20:
                await asyncio.sleep(0.02)
            if victim in ("worker", "both"):
                worker.kill()
            if victim in ("server", "both"):
                server.kill()
            await asyncio.sleep(0.5)
            if victim in ("server", "both"):
                server.start()
                await ready(f"127.0.0.1:{port}")
            if victim in ("worker", "both"):
                worker.start()
            results = await asyncio.wait_for(
                asyncio.gather(*(handle.result() for handle in handles)), SECONDS_TO_FINISH
            )
            assert results == ["met"] * 6
            assert len(recorder.keys) == 6 * 16, "every effect reached the server"
            assert all(len(set(keys)) == 1 for keys in recorder.keys.values()), "each under one key"
            assert len({keys[0] for keys in recorder.keys.values()}) == 6 * 16, "and no two under the same"
            print(f"{victim}: {recorder.requests - 96} repeated effects")
            for id in ids:
                await heal(client, store, tenant, id)
                assert is_whole(await stored(store, tenant, id), events=2 + 2 * 17)
    finally:
        worker.kill()
        server.kill()
