"""Processes die at the worst moment: everything finishes, each effect under one key, and the journal heals."""

import asyncio
import json
import sys
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer

from dag.events import StepEvent
from dag.journal import gaps, replaces
from interpreter.start import Start
from interpreter.workflow import Interpreter
from runtime import local_temporal
from runtime.client import connect
from runtime.executions import start
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from store.sealing import Keyring
from tests.faults.effects import flow
from tests.faults.processes import Process, recording
from tests.interpreter.publishing import published
from tests.temporal import free_port, ready
from worker.host import RUNNER
from worker.step_events import StepEvents

EVENT = TypeAdapter(StepEvent)
SECONDS_TO_FINISH = 100


def journal(log: Path) -> dict[tuple[str, int], StepEvent]:
    """What worker processes wrote of the journal before they died, by execution and number."""
    kept: dict[tuple[str, int], StepEvent] = {}
    for line in log.read_text(errors="replace").splitlines():
        _, found, text = line.partition(" perdure.journal ")
        with suppress(ValueError):  # a line cut short by a death
            if found and "event" in (entry := json.loads(text)):
                keep(kept, EVENT.validate_python(entry["event"]), replayed=entry["replaying"])
    return kept


def keep(kept: dict[tuple[str, int], StepEvent], event: StepEvent, *, replayed: bool) -> None:
    old = kept.get((event.execution, event.n))
    if old is None or replaces(event, old, replayed=replayed):
        kept[event.execution, event.n] = event


async def heal(
    client: Client, handles: Iterable[WorkflowHandle[Any, Any]], kept: dict[tuple[str, int], StepEvent]
) -> None:
    """Replay every history and take what it says."""
    replayer = Replayer(
        workflows=[Interpreter],
        data_converter=client.data_converter,
        workflow_runner=RUNNER,
        interceptors=[StepEvents(lambda event, _: keep(kept, event, replayed=True))],
    )
    for handle in handles:
        await replayer.replay_workflow(await handle.fetch_history())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", ["worker", "server", "both"])
async def test_killing_in_mid_execution_loses_nothing(
    victim: str, tmp_path: Path, keyring: Keyring, installation: dict[str, str]
) -> None:
    port, queue = free_port(), f"q-{uuid.uuid4().hex}"
    server = Process(local_temporal.command(port, database=tmp_path / "temporal.db"), tmp_path / "server.log")
    log = tmp_path / "worker.log"
    env = {
        **installation,
        "PERDURE_TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        "PERDURE_QUEUE": queue,
        "PERDURE_EGRESS_ALLOW": "127.0.0.0/8",
    }
    worker = Process([sys.executable, "-m", "worker"], log, env)
    try:
        server.start()
        await ready(f"127.0.0.1:{port}")
        worker.start()
        async with recording() as (recorder, http):
            settings = Settings(temporal_address=f"127.0.0.1:{port}")
            client = await connect(settings, storage=MemoryStorage(), keyring=keyring)
            plan = published(flow(http))
            handles = [
                await start(client, plan, Start(), tenant="acme", execution=f"ex_{n}", queue=queue) for n in range(6)
            ]
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
            kept = journal(log)
            lost = 6 * (2 + 2 * 17) - len(kept)
            print(f"{victim}: {recorder.requests - 96} repeated effects, {lost} events lost")
            await heal(client, handles, kept)
            assert gaps(kept.values()) == []
            assert len(kept) == 6 * (2 + 2 * 17)
    finally:
        worker.kill()
        server.kill()
