"""Records the histories that replay in the tests for ever: `python -m tests.interpreter.record` adds missing ones."""

import asyncio
import os
import sys
from pathlib import Path

import orjson
from temporalio.client import Client, WorkflowHistory

from dag.events import StepEvent
from runtime.client import connect
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from store.sealing import Keyring
from tests import temporal
from tests.interpreter.engine import engine_on
from tests.interpreter.histories import runs
from tests.interpreter.scenarios import SCENARIOS, Scenario, performed

HISTORIES = Path(__file__).parent.parent / "histories"
SINCE = "0.1.0"
"""The version whose behaviour is recorded; older recordings are never made anew."""


def said(event: StepEvent) -> str:
    """An event in a line, without what differs between two runs of one scenario."""
    return f"{event.n} {event.type} {event.path} {event.checksum}"


async def record(client: Client, name: str, scenario: Scenario) -> None:
    async with engine_on(client) as engine:
        handle = await performed(engine, scenario)
        for number, history in enumerate(await runs(client, handle)):
            write(f"{name}-{number}", history, [said(event) for event in engine.events(handle)])


def write(name: str, history: WorkflowHistory, events: list[str]) -> None:
    text = {"workflow_id": history.workflow_id, "events": events, "history": history.to_json_dict()}
    (HISTORIES / SINCE / f"{name}.json").write_bytes(orjson.dumps(text, option=orjson.OPT_INDENT_2))


async def main(address: str) -> None:
    (HISTORIES / SINCE).mkdir(parents=True, exist_ok=True)
    client = await connect(Settings(temporal_address=address), storage=MemoryStorage(), keyring=Keyring((bytes(32),)))
    for name, scenario in SCENARIOS.items():
        if not (HISTORIES / SINCE / f"{name}-0.json").exists():
            await record(client, name, scenario)
            print(f"recorded {name}")
    await asyncio.sleep(0.3)


if __name__ == "__main__":
    with temporal.server() as server:
        asyncio.run(main(server))
    sys.stdout.flush()
    os._exit(0)  # temporalio's threads crash some interpreters at exit
