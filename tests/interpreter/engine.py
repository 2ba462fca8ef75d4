"""The whole engine on a real Temporal server: a document goes in, an outcome and what was said on the way come out."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, JsonValue
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from activities.activity_type import ActivityType
from activities.context import Context
from activities.errors import ActivityError
from dag.activity_type import Traits
from dag.errors import ErrorValue
from dag.events import StepEvent
from dag.limits import DEFAULTS, Limits
from dag.plan import Plan
from interpreter.start import Start
from runtime.executions import start
from runtime.settings import Settings
from tests.interpreter.publishing import published
from tests.worker.attempts import Recorded, means
from worker.host import worker


class WorkConfig(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    value: JsonValue = None
    sleep: float = 0
    fail: str | None = None
    fail_times: int = 1_000_000
    retryable: bool = False
    stubborn: bool = False


class WorkOutput(BaseModel):
    value: JsonValue = None


class Told(ActivityError):
    """It was told to fail."""

    def __init__(self, code: str, *, retryable: bool):
        super().__init__(retryable=retryable)
        self.code = code


@dataclass
class Witness:
    """Counts what really ran."""

    runs: Counter[str] = field(default_factory=Counter[str])

    async def run(self, config: WorkConfig, context: Context) -> WorkOutput:
        self.runs[context.idempotency_key] += 1
        tries = self.runs[context.idempotency_key]
        try:
            await asyncio.sleep(config.sleep)
        except asyncio.CancelledError:
            if not config.stubborn:
                raise
        if config.fail is not None and tries <= config.fail_times:
            raise Told(config.fail, retryable=config.retryable)
        return WorkOutput(value=config.value)


def types(witness: Witness) -> list[ActivityType[Any, Any]]:
    """`test.work` has effects and may not be repeated unasked; `test.read` has none."""
    limit = timedelta(seconds=30)
    return [
        ActivityType("test.work", "Work", WorkConfig, WorkOutput, witness.run, limit),
        ActivityType(
            "test.read",
            "Read",
            WorkConfig,
            WorkOutput,
            witness.run,
            limit,
            traits=lambda _: Traits(effects=False, repeatable=True),
        ),
    ]


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
        """What an execution said, each event once, in order."""
        execution = handle.id.partition("/")[2]
        said = {event.n: event for event, _ in self.sink.steps if event.execution == execution}
        return [said[n] for n in sorted(said)]

    def statuses(self, handle: WorkflowHandle[Any, Any]) -> dict[str, str]:
        """The last that was said of each node."""
        return {event.path: event.type.partition(".")[2] for event in self.events(handle) if event.path}


async def ended(handle: WorkflowHandle[Any, Any]) -> Ended:
    """Wait for the end of an execution."""
    try:
        return Ended("succeeded", await handle.result())
    except WorkflowFailureError as failure:
        match failure.cause:
            case CancelledError():
                return Ended("cancelled")
            case ApplicationError() as cause:
                error = ErrorValue.model_validate(cause.details[0])
                return Ended("timed_out" if error.code == "timeout.execution" else "failed", failure=error)
            case cause:
                raise AssertionError(f"an execution ends in no other way: {cause!r}") from failure


@asynccontextmanager
async def engine_on(client: Client, **settings: Any) -> AsyncGenerator[Engine]:
    """A worker with the test's activity types."""
    witness, sink, queue = Witness(), Recorded(), f"q-{uuid.uuid4().hex}"
    options = Settings(queue=queue, graceful_shutdown=timedelta(seconds=1), **settings)
    async with (
        means(types(witness), secrets={"token": "t0p-s3cret-value"}) as shared,
        worker(client, options, means=shared, sink=sink),
    ):
        yield Engine(client, queue, sink, witness)


@pytest.fixture
async def engine(client: Client) -> AsyncGenerator[Engine]:
    async with engine_on(client) as running:
        yield running
