"""A worker on a real Temporal server: what an activity does there, and what stays in history."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from pydantic import JsonValue
from temporalio.client import Client
from temporalio.worker import Replayer

from activities.context import Context
from activities.errors import NetworkError
from dag.invocation import Invocation, SecretText
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from tests.interpreter.histories import readable
from tests.worker.attempts import Config, Output, Recorded, Run, declared, means
from tests.worker.calling import Asked, Calling
from worker.host import RUNNER, worker
from worker.step_events import StepEvents

ORDINARY = Invocation(timeout=20)


@dataclass
class Running:
    """A worker that runs one type, `demo.run`."""

    client: Client
    queue: str
    sink: Recorded
    host: Any

    async def call(
        self, config: JsonValue = None, invocation: Invocation = ORDINARY, *, execution: str | None = None, **how: Any
    ) -> JsonValue:
        """Run one node to its end."""
        return await self.client.execute_workflow(
            Calling.run,
            Asked("demo.run", {} if config is None else config, invocation, **how),
            id=f"acme/{execution or uuid.uuid4()}",
            task_queue=self.queue,
            execution_timeout=timedelta(seconds=30),
        )

    async def history(self, execution: str) -> str:
        return (await self.client.get_workflow_handle(f"acme/{execution}").fetch_history()).to_json()


@asynccontextmanager
async def running(
    client: Client, run: Run, storage: MemoryStorage | None = None, *, shutdown: float = 5.0, **secrets: str
) -> AsyncGenerator[Running]:
    queue = f"q-{uuid.uuid4()}"
    settings = Settings(queue=queue, graceful_shutdown=timedelta(seconds=shutdown))
    sink = Recorded()
    async with means([declared(run)], secrets, storage) as have:
        host = worker(client, settings, means=have, sink=sink, workflow=Calling)
        async with host:
            yield Running(client, queue, sink, host)


async def echo(config: Config, context: Context) -> Output:
    return Output(value=config.value)


@pytest.mark.parametrize("local", [False, True])
async def test_an_output_stands_in_history_as_it_is(client: Client, *, local: bool) -> None:
    async with running(client, echo) as here:
        result = await here.call({"value": {"a": 1}}, execution="ex", local=local)
        history = json.loads(await here.history("ex"))
    assert result == {"output": {"value": {"a": 1}}}
    if not local:
        attributes = [event.get("activityTaskScheduledEventAttributes") for event in history["events"]]
        [scheduled] = filter(None, attributes)
        assert scheduled["activityType"]["name"] == "demo.run"
        assert scheduled["activityId"] == "each[0].pay"


class Failing:
    """Fails so many times, then succeeds, and keeps what it saw."""

    def __init__(self, times: int, *, retry_after: float | None = None):
        self.times = times
        self.retry_after = retry_after
        self.keys: list[str] = []
        self.at: list[float] = []

    async def __call__(self, config: Config, context: Context) -> Output:
        self.keys.append(context.idempotency_key)
        self.at.append(time.monotonic())
        if len(self.keys) <= self.times:
            raise NetworkError(retry_after=self.retry_after)
        return Output(value=len(self.keys))


@pytest.mark.parametrize("local", [False, True])
async def test_what_waiting_may_mend_is_tried_again_with_the_same_key(client: Client, *, local: bool) -> None:
    run = Failing(2)
    async with running(client, run) as here:
        assert await here.call(attempts=3, local=local) == {"output": {"value": 3}}
    assert len(set(run.keys)) == 1
    assert [(record.attempt, record.status) for record in here.sink.attempts] == [
        (1, "failed"),
        (2, "failed"),
        (3, "succeeded"),
    ]


async def test_when_no_attempt_is_left_the_last_error_is_the_node_s(client: Client) -> None:
    async with running(client, Failing(9)) as here:
        result = await here.call(attempts=3)
    assert isinstance(result, dict)
    assert result["type"] == "http.network"
    assert isinstance(result["error"], dict)
    assert result["error"]["attempt"] == 3


@pytest.mark.parametrize("choice", [{"retry_never": ("http",)}, {"retry_when": "error.code = 'http.500'"}])
async def test_an_error_that_the_author_rules_out_is_not_tried_again(client: Client, choice: dict[str, Any]) -> None:
    run = Failing(9)
    async with running(client, run) as here:
        await here.call({}, Invocation(timeout=5, **choice), attempts=5)
    assert len(run.keys) == 1


async def test_the_next_attempt_waits_as_long_as_the_other_side_asked(client: Client) -> None:
    run = Failing(1, retry_after=0.6)
    async with running(client, run) as here:
        await here.call(attempts=2, initial=0.01)
    assert 0.55 < run.at[1] - run.at[0] < 5


async def test_an_attempt_that_lasts_too_long_is_tried_again_and_the_node_s_deadline_ends_it(client: Client) -> None:
    begun: list[float] = []

    async def run(config: Config, context: Context) -> Output:
        begun.append(time.monotonic())
        await asyncio.sleep(20)
        return Output()

    async with running(client, run) as here:
        invocation = Invocation(timeout=0.2, deadline=time.time() + 1.0)
        result = await here.call({}, invocation, attempts=50)
    assert isinstance(result, dict)
    assert result["type"] == "timeout.node"
    assert 2 <= len(begun) <= 6


async def test_a_cancel_reaches_a_running_activity_and_waits_for_it(client: Client) -> None:
    ended: list[str] = []

    async def run(config: Config, context: Context) -> Output:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            ended.append("cleaned up")
        return Output()

    async with running(client, run) as here:
        began = time.monotonic()
        assert await here.call(cancel_after=0.3) == {"cancelled": True}
        assert time.monotonic() - began < 20
    assert ended == ["cleaned up"]


async def test_a_cancel_that_comes_too_late_gives_the_output(client: Client) -> None:
    async def run(config: Config, context: Context) -> Output:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(20)
        return Output(value="done")

    async with running(client, run) as here:
        assert await here.call(cancel_after=0.3) == {"output": {"value": "done"}}


async def test_another_worker_goes_on_when_one_stops(client: Client) -> None:
    begun: list[str] = []
    running_first = asyncio.Event()

    async def run(config: Config, context: Context) -> Output:
        begun.append(context.idempotency_key)
        running_first.set()
        await asyncio.sleep(20 if len(begun) == 1 else 0)
        return Output(value="from the second")

    async with running(client, run, shutdown=0.1) as first:
        call = asyncio.create_task(first.call(attempts=2))
        await running_first.wait()
    async with (
        means([declared(run)]) as have,
        worker(client, Settings(queue=first.queue), means=have, sink=Recorded(), workflow=Calling),
    ):
        assert await call == {"output": {"value": "from the second"}}
    assert len(begun) == 2
    assert len(set(begun)) == 1
    [record] = first.sink.attempts
    assert record.error is not None
    assert record.error.code == "worker.lost"


async def test_a_worker_that_stops_lets_its_local_activities_end(client: Client) -> None:
    begun = asyncio.Event()

    async def run(config: Config, context: Context) -> Output:
        assert not begun.is_set()
        begun.set()
        await asyncio.sleep(1)
        return Output(value="from the first")

    async with running(client, run, shutdown=0.1) as first:
        call = asyncio.create_task(first.call(local=True))
        await begun.wait()
    async with (
        means([declared(echo)]) as have,
        worker(client, Settings(queue=first.queue), means=have, sink=Recorded(), workflow=Calling),
    ):
        assert await call == {"output": {"value": "from the first"}}


async def test_a_local_activity_that_lasts_is_no_attempt(client: Client) -> None:
    async def run(config: Config, context: Context) -> Output:
        await asyncio.sleep(20)
        return Output()

    async with running(client, run) as here:
        assert await here.call(local=True) == {"failed": "TimeoutError"}
    assert here.sink.attempts == []


@pytest.mark.parametrize("local", [False, True])
async def test_no_secret_shows_in_history(client: Client, *, local: bool) -> None:
    secret = "s3cr3t/key+0815"

    async def run(config: Config, context: Context) -> Output:
        context.logger.info(f"got {config.value}")
        if config.times:
            raise NetworkError(f"{config.value} is refused", details={"sent": config.value})
        return Output(value=[config.value, {"as": f"Basic {config.value}"}])

    invocation = Invocation(timeout=5, secrets=(SecretText("/value", ("x:", ("key",))),))
    async with running(client, run, key=secret) as here:
        good = await here.call({"value": "***", "times": 0}, invocation, execution=f"good-{local}", local=local)
        await here.call({"value": "***"}, invocation, execution=f"bad-{local}", local=local, attempts=2)
        handles = [client.get_workflow_handle(f"acme/{name}-{local}") for name in ("good", "bad")]
        histories = [await readable(handle) for handle in handles]
    assert good == {"output": {"value": ["x:***", {"as": "Basic x:***"}]}}
    plain = "\n".join(histories) + repr(here.sink.attempts)
    assert "x:*** is refused" in plain
    for part in ("s3cr3t", "key+0815", "czNjcjN0"):
        assert part not in plain


async def test_large_outputs_and_inputs_stay_out_of_history(client: Client, storage: MemoryStorage) -> None:
    async with running(client, echo, storage) as here:
        text = token_hex(1_500_000)
        result = await here.call({"value": text}, execution="large")
        history = await here.history("large")
    assert result == {"output": {"value": text}}
    assert len(history) < 20_000
    assert storage.size > 3_000_000


async def test_a_replay_says_the_same_step_events_again(client: Client) -> None:
    async with running(client, echo) as here:
        await here.call({"value": 1}, execution="replayed")
        history = await client.get_workflow_handle("acme/replayed").fetch_history()
    assert [replaying for _, replaying in here.sink.steps] == [False, False]
    again = Recorded()
    replayer = Replayer(
        workflows=[Calling],
        data_converter=client.data_converter,
        interceptors=[StepEvents(again.step)],
        workflow_runner=RUNNER,
    )
    await replayer.replay_workflow(history)
    assert [event for event, _ in again.steps] == [event for event, _ in here.sink.steps]


async def test_a_type_that_no_worker_knows_fails_its_node_at_once(client: Client) -> None:
    async with running(client, echo) as here:
        result = await client.execute_workflow(
            Calling.run,
            Asked("demo.other", {}, Invocation(timeout=5), attempts=5),
            id=f"acme/{uuid.uuid4()}",
            task_queue=here.queue,
        )
    assert isinstance(result, dict)
    assert result["type"] == "config.invalid"
