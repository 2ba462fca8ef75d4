"""Executions that start others, with a real store: workflows are published by name, and found by it."""

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import JsonValue
from temporalio.client import Client, WorkflowHandle

from activities import registry
from activities.activity_type import AnyActivityType
from dag.draft import draft
from dag.events import StepEvent
from interpreter.conclusion import ENDINGS
from interpreter.start import Start
from runtime.executions import start
from runtime.settings import Settings
from runtime.starting import ready
from store import executions, ids, tags, versions, workflows
from store.database import Database
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.interpreter.engine import SANDBOX, Ended, ended
from tests.interpreter.witness import Witness, types
from tests.worker.attempts import Recorded, means
from worker.host import worker
from worker.ours import OUR_WORKFLOWS, our_activities

Handle = WorkflowHandle[Any, Any]
MENTIONED = re.compile(rb"ex_[0-9a-f]{32}")
"""Ids of executions in what others say."""


@dataclass
class Family:
    """A tenant whose workflows start each other."""

    client: Client
    store: Database
    tenant: TenantId
    queue: str
    sink: Recorded
    witness: Witness

    async def publish(self, name: str, nodes: dict[str, Any], **fields: Any) -> int:
        """Publish a version, and give its number."""
        return await self.put({"language": 1, "name": name, "nodes": nodes, **fields})

    async def put(self, document: JsonValue) -> int:
        """The same of a whole document."""
        types_here: dict[str, AnyActivityType] = {each.name: each for each in types(self.witness)}
        async with session(self.store, self.tenant) as s:
            row, _ = await workflows.put(s, draft(document))
            made = await versions.add(s, row, catalog=registry.catalog({**registry.load(), **types_here}))
        return made.version

    async def tag(self, name: str, tag: str, version: int) -> None:
        async with session(self.store, self.tenant) as s:
            await tags.put(s, await workflows.find(s, name), tag, version=version)

    async def start(self, name: str, input: JsonValue = None, **fields: Any) -> Handle:
        found = await ready(self.store, self.tenant, name, None, input)
        begin = Start(input=found.input, **fields)
        execution = ids.execution()
        return await start(
            self.client, found.plan.plan, begin, tenant=self.tenant, execution=execution, queue=self.queue
        )

    async def run(self, name: str, input: JsonValue = None, **fields: Any) -> Ended:
        return await ended(await self.start(name, input, **fields))

    def events(self, handle: Handle, *types: str) -> list[StepEvent]:
        """What an execution said, each event once, in order, strand by strand; all of it, or that of some types."""
        said = {(event.strand, event.n): event for event, _ in self.sink.steps if event.execution == id_of(handle)}
        return [said[n] for n in sorted(said) if not types or said[n].type in types]

    def executions(self) -> list[str]:
        """The ids of all that have said anything, or of which others have, in their order."""
        return list(dict.fromkeys(id for event, _ in self.sink.steps for id in [event.execution, *_mentioned(event)]))

    def has_ended(self, execution: str) -> bool:
        """Whether an execution has said how it ends."""
        return any(event.execution == execution and event.type in ENDINGS.values() for event, _ in self.sink.steps)

    def statuses(self, handle: Handle) -> dict[str, str]:
        """The last that was said of each node."""
        return {event.path: event.type.partition(".")[2] for event in self.events(handle) if event.path}

    def told(self, handle: Handle, type: str) -> list[dict[str, Any]]:
        """What events of one type say."""
        return [event.data for event in self.events(handle) if event.type == type]  # pyright: ignore[reportReturnType]

    def handle(self, execution: str) -> Handle:
        return self.client.get_workflow_handle(f"{self.tenant}/{execution}")

    async def child(self, handle: Handle, path: str = "call") -> Handle:
        """The child that a node waits for, once it does."""
        await self.until(lambda: self.waiting(handle, path))
        return self.handle(str(self.waiting(handle, path)))

    def waiting(self, handle: Handle, path: str) -> str | None:
        """The execution that a node waits for."""
        found = [event.data for event in self.events(handle) if (event.type, event.path) == ("node.waiting", path)]
        return str(found[-1]["execution"]) if found and isinstance(found[-1], dict) else None

    async def row(self, execution: str) -> Execution:
        """What is stored of an execution."""
        async with session(self.store, self.tenant) as s:
            return await executions.find(s, ExecutionId(execution))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something has happened in this process."""
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.02)


def _mentioned(event: StepEvent) -> list[str]:
    return [id.decode() for id in MENTIONED.findall(orjson.dumps(event.data))]


def id_of(handle: Handle) -> str:
    return handle.id.partition("/")[2]


def calling(name: str, input: JsonValue = None, /, **fields: Any) -> dict[str, Any]:
    """A node that starts a workflow."""
    config = {"name": name, "input": input, **fields.pop("config", {})}
    return {"type": "workflow", "config": config, **fields}


@asynccontextmanager
async def family_on(client: Client, store: Database, tenant: TenantId, **settings: Any) -> AsyncGenerator[Family]:
    """A worker with the test's activity types, and the way to the store."""
    family = Family(client, store, tenant, f"q-{uuid.uuid4().hex}", Recorded(), Witness())
    async with working(family, **settings):
        yield family


@asynccontextmanager
async def working(family: Family, **settings: Any) -> AsyncGenerator[None]:
    """Another worker."""
    options = Settings(queue=family.queue, graceful_shutdown=timedelta(seconds=1), **settings)
    ours = our_activities(family.client, family.store)
    async with (
        means(types(family.witness)) as shared,
        worker(
            family.client,
            options,
            means=shared,
            sink=family.sink,
            runner=SANDBOX,
            workflows=OUR_WORKFLOWS,
            activities=ours,
        ),
    ):
        yield


@pytest.fixture
async def family(client: Client, store: Database, tenant: TenantId) -> AsyncGenerator[Family]:
    async with family_on(client, store, tenant) as running:
        yield running
