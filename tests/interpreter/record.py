"""Records the histories that replay in the tests for ever: `python -m tests.interpreter.record` adds missing ones."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import orjson
from temporalio.client import Client, WorkflowHistory

from dag.events import StepEvent
from runtime.client import connect
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from store.database import Database, database
from store.sealing import Keyring
from tests import postgres, temporal
from tests.interpreter import family_scenarios, scenarios
from tests.interpreter.engine import engine_on
from tests.interpreter.family import family_on
from tests.interpreter.family_scenarios import FamilyScenario
from tests.interpreter.histories import runs
from tests.interpreter.scenarios import Scenario
from tests.postgres import another_tenant

HISTORIES = Path(__file__).parent.parent / "histories"
SINCE = "0.2.0"
"""The version whose behaviour is recorded; older recordings are never made anew."""
KEYRING = Keyring((bytes(32),))
"""Opens what is sealed in them: there is nothing to hide."""


def said(event: StepEvent) -> str:
    """An event in a line, without what differs between two runs of one scenario."""
    return f"{event.n} {event.type} {event.path} {event.checksum}"


async def record_family(client: Client, store: Database, name: str, scenario: FamilyScenario) -> None:
    """Record all executions of a family, that of the scenario first."""
    async with family_on(client, store, await another_tenant(store)) as family:
        first = await family_scenarios.performed(family, scenario)
        others = [family.handle(execution) for execution in family.executions()[1:]]
        for place, handle in enumerate([first, *others]):
            events = [said(event) for event in family.events(handle)]
            for number, history in enumerate(await runs(client, handle)):
                write(f"{name}_{place}-{number}" if place else f"{name}-{number}", history, events)


async def record(client: Client, name: str, scenario: Scenario) -> None:
    async with engine_on(client) as engine:
        handle = await scenarios.performed(engine, scenario)
        for number, history in enumerate(await runs(client, handle)):
            write(f"{name}-{number}", history, [said(event) for event in engine.events(handle)])


def write(name: str, history: WorkflowHistory, events: list[str]) -> None:
    text = {"workflow_id": history.workflow_id, "events": events, "history": history.to_json_dict()}
    (HISTORIES / SINCE / f"{name}.json").write_bytes(orjson.dumps(text))


def is_missing(name: str) -> bool:
    """Whether no version has recorded a scenario."""
    return not any(HISTORIES.glob(f"*/{name}-0.json"))


async def main(address: str, database_url: str) -> None:
    (HISTORIES / SINCE).mkdir(parents=True, exist_ok=True)
    client = await connect(Settings(temporal_address=address), storage=MemoryStorage(), keyring=KEYRING)
    for name in filter(is_missing, scenarios.SCENARIOS):
        await record(client, name, scenarios.SCENARIOS[name])
        print(f"recorded {name}")
    async with database(database_url, KEYRING) as store:
        for name in filter(is_missing, family_scenarios.SCENARIOS):
            await record_family(client, store, name, family_scenarios.SCENARIOS[name])
            print(f"recorded {name}")
    await asyncio.sleep(0.3)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres.migrated(Path(folder) / "data") as database_server,
        temporal.server() as temporal_address,
    ):
        asyncio.run(main(temporal_address, database_server.url(postgres.TEMPLATE)))
    sys.stdout.flush()
    os._exit(0)  # temporalio's threads crash some interpreters at exit
