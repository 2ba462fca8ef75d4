"""Runs one attempt of a made-up activity type in Temporal's own test environment for activities."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_monty import AsyncMonty
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue, RetryPolicy
from temporalio.testing import ActivityEnvironment

from activities.activity_type import ActivityType
from activities.context import Context
from dag.events import StepEvent
from dag.invocation import Invocation
from runtime.converter import data_converter
from runtime.storage import MemoryStorage
from store.sealing import new_master_key, read_keyring
from worker import egress
from worker.adapter import node_activity
from worker.attempt import Means
from worker.cache import Cache, CacheInMemory
from worker.local_calls import LocalCalls
from worker.records import Attempt, Lines, Progress
from worker.secrets import SecretsInMemory

CONVERTER = data_converter(MemoryStorage(), read_keyring(new_master_key())).payload_converter
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Config(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    value: JsonValue = None
    times: int = 1


class Output(BaseModel):
    value: JsonValue = None


Run = Callable[[Config, Context], Awaitable[Output]]


def declared(run: Run, name: str = "demo.run") -> ActivityType[Config, Output]:
    return ActivityType(name, "Demo", Config, Output, run, timedelta(seconds=30))


class Recorded:
    """A sink that keeps all it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[StepEvent, bool]] = []
        self.attempts: list[Attempt] = []
        self.live: list[Lines | Progress] = []

    def step(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 as a Sink
        self.steps.append((event, replaying))

    def attempt(self, record: Attempt) -> None:
        self.attempts.append(record)

    def told(self, record: Lines | Progress) -> None:
        self.live.append(record)


@asynccontextmanager
async def means(
    types: Sequence[ActivityType[Any, Any]],
    secrets: Mapping[str, str] | None = None,
    storage: MemoryStorage | None = None,
    cache: Cache | None = None,
) -> AsyncGenerator[Means]:
    """What a worker process has, with secrets of the tenant `acme`."""
    async with AsyncMonty() as python, egress.client(LOOPBACK) as http:
        yield Means(
            types={each.name: each for each in types},
            secrets=SecretsInMemory({("acme", name): value for name, value in (secrets or {}).items()}),
            cache=cache or CacheInMemory(),
            http=http,
            python=python,
            keep=(storage or MemoryStorage()).keep,
            reachable=(storage or MemoryStorage()).reachable,
        )


@dataclass
class Bench:
    """Where attempts run, one after another or cancelled in the middle, and what is seen of them."""

    means: Means
    sink: Recorded = field(default_factory=Recorded)
    environment: ActivityEnvironment = field(default_factory=ActivityEnvironment)

    def __post_init__(self) -> None:
        self.environment.payload_converter = CONVERTER
        self.info(attempt=1)

    def info(self, **changes: Any) -> None:
        """Change what Temporal says of the attempt."""
        self.environment.info = replace(
            self.environment.info,
            workflow_id="acme/ex_1",
            activity_id="each[2].pay",
            activity_type="demo.run",
            retry_policy=RetryPolicy(),
            **changes,
        )

    async def attempt(self, config: JsonValue = None, invocation: Invocation | None = None) -> JsonValue:
        """Run one attempt and give its output."""
        config, invocation = {} if config is None else config, invocation or Invocation(timeout=30)
        info, calls = self.environment.info, LocalCalls()
        handed = calls.begin(info.workflow_run_id or "")
        if info.is_local:
            handed[info.activity_id] = config, invocation
        arguments = [] if info.is_local else [raw(config), raw(invocation)]
        try:
            result = await self.environment.run(node_activity(self.means, self.sink, calls), arguments)
        finally:
            await asyncio.sleep(0)  # its record comes right after its answer
        return orjson.loads(result.payload.data)


def raw(value: object) -> RawValue:
    [payload] = CONVERTER.to_payloads([value])
    assert isinstance(payload, Payload)
    return RawValue(payload)


@asynccontextmanager
async def bench(run: Run, **secrets: str) -> AsyncGenerator[Bench]:
    """A bench for one type, `demo.run`."""
    async with means([declared(run)], secrets) as have:
        yield Bench(have)
