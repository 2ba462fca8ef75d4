"""The whole engine on a real Temporal server: a document goes in, an outcome and what was said on the way come out."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from dag.errors import ErrorValue
from dag.events import StepEvent
from dag.limits import DEFAULTS, Limits
from dag.plan import Plan
from interpreter.start import Start
from runtime.executions import start
from runtime.settings import Settings
from tests.interpreter.event_board import EventBoard
from tests.interpreter.publishing import published
from tests.interpreter.witness import Witness, types
from tests.worker.attempts import Recorded, means
from worker.host import worker
from worker.steering import steering_activities

PASSED_THROUGH = ("dag", "interpreter", "jlens", "orjson", "pydantic")
SANDBOX = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
"""Keeps the interpreter from the clock, chance and I/O; the product does without it."""


@dataclass
class Ended:
    """How an execution ended."""

    status: str
    output: JsonValue = None
    failure: ErrorValue | None = None

    @property
    def error(self) -> ErrorValue:
        """Its error, which it must have."""
        assert self.failure is not None, f"it {self.status}: {self.output!r}"
        return self.failure


@dataclass
class Engine:
    client: Client
    queue: str
    sink: Recorded
    witness: Witness
    board: EventBoard

    def plan(self, document: Mapping[str, JsonValue], *, limits: Limits = DEFAULTS) -> Plan:
        """Publish a document, which must have no problems."""
        return published(document, types=types(self.witness), limits=limits)

    async def start(
        self, document: Mapping[str, JsonValue] | Plan, input: JsonValue = None, **start_fields: Any
    ) -> WorkflowHandle[Any, Any]:
        plan = document if isinstance(document, Plan) else self.plan(document)
        begin = Start(input=input, **start_fields)
        return await start(
            self.client, plan, begin, tenant="acme", execution=f"ex_{uuid.uuid4().hex}", queue=self.queue
        )

    async def run(
        self, document: Mapping[str, JsonValue] | Plan, input: JsonValue = None, **start_fields: Any
    ) -> Ended:
        return await ended(await self.start(document, input, **start_fields))

    def events(self, handle: WorkflowHandle[Any, Any]) -> list[StepEvent]:
        """What an execution said, each event once, in order, strand by strand."""
        execution = handle.id.partition("/")[2]
        said = {(event.strand, event.n): event for event, _ in self.sink.steps if event.execution == execution}
        return [said[n] for n in sorted(said)]

    def statuses(self, handle: WorkflowHandle[Any, Any]) -> dict[str, str]:
        """The last that was said of each node."""
        return {event.path: event.type.partition(".")[2] for event in self.events(handle) if event.path}

    def order(self, handle: WorkflowHandle[Any, Any]) -> list[str]:
        """Which nodes succeeded, in the order in which they did."""
        return [event.path for event in self.events(handle) if event.type == "node.succeeded" and event.path]


async def ended(handle: WorkflowHandle[Any, Any], *, within: float = 100.0) -> Ended:
    """Wait for the end of an execution, which comes within so many seconds, even on a machine that is slow for a while.
    How soon it comes is not what is tested here."""
    try:
        return Ended("succeeded", await asyncio.wait_for(handle.result(), within))
    except TimeoutError:
        raise AssertionError(f"it has not ended; {await so_far(handle)}") from None
    except WorkflowFailureError as failure:
        match failure.cause:
            case CancelledError():
                return Ended("cancelled")
            case ApplicationError() as cause:
                error = ErrorValue.model_validate(cause.details[0])
                return Ended("timed_out" if error.code == "timeout.execution" else "failed", failure=error)
            case cause:
                raise AssertionError(f"an execution ends in no other way: {cause!r}") from failure


async def so_far(handle: WorkflowHandle[Any, Any]) -> str:
    """How far an execution has come, as Temporal knows it."""
    told = (await handle.describe()).raw_description
    events = [
        f"{event.event_time.ToDatetime():%H:%M:%S.%f} {EventType.Name(event.event_type).removeprefix('EVENT_TYPE_')}"
        for event in (await handle.fetch_history()).events
    ]
    now = f"{datetime.now(UTC):%H:%M:%S.%f} now\n{told.pending_activities}\n{told.pending_workflow_task}"
    return "\n".join(["its history:", *events, now])


async def until(condition: Callable[[], object]) -> None:
    """Wait until something has happened in this process."""
    while not condition():
        await asyncio.sleep(0.02)


@asynccontextmanager
async def engine_on(client: Client, queue: str | None = None, **settings: Any) -> AsyncGenerator[Engine]:
    """A worker with the test's activity types."""
    witness, sink, queue = Witness(), Recorded(), queue or f"q-{uuid.uuid4().hex}"
    board = EventBoard(client)
    options = Settings(queue=queue, graceful_shutdown=timedelta(seconds=1), **settings)
    async with (
        means(types(witness), secrets={"token": "t0p-s3cret-value"}) as shared,
        worker(
            client,
            options,
            means=shared,
            sink=sink,
            runner=SANDBOX,
            activities=[*board.activities(), *steering_activities(client)],
        ),
    ):
        yield Engine(client, queue, sink, witness, board)


@pytest.fixture
async def engine(client: Client) -> AsyncGenerator[Engine]:
    async with engine_on(client) as running:
        yield running
