"""Executions started through the API and heard of through it, beside a client of Temporal's that does the same with the
same plan, data converter, server and worker."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio.client import WorkflowHandle

from benchmarks.case import OURS, Contender, Stage
from benchmarks.executions import WrongResult
from benchmarks.interpreted import definitions
from benchmarks.servers.service import Service, service
from benchmarks.step import start
from dag.plan import Plan
from interpreter.start import Start
from runtime import executions
from store import ids

DIRECT = "a client of Temporal, without the API"
WAIT = 60
QUIET = 0.1
"""Seconds after an end in which the journal is written and Temporal tidies up: they belong to no sample."""

Contenders = Callable[[Stage], AbstractAsyncContextManager[Sequence[Contender]]]
Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Chain:
    """A published chain of activities, which both sides start."""

    service: Service
    name: str
    plan: Plan
    length: int

    async def post(self, **parameters: int) -> dict[str, Any]:
        """Start one through the API; gives what it answers."""
        reply = await self.service.http.post(
            f"/workflows/{self.name}/executions", params=parameters, json={"input": start().model_dump()}
        )
        if not reply.is_success:
            raise WrongResult(f"The API answered {reply.status_code}: {reply.text}")
        return reply.json()

    async def start(self) -> Handle:
        """Start one as the API does, but without it."""
        return await executions.start(
            self.service.client,
            self.plan,
            Start(input=start().model_dump(), trigger="api"),
            tenant=self.service.store.tenant,
            execution=ids.execution(),
            queue=self.service.queue,
        )

    def handle(self, answer: dict[str, Any]) -> Handle:
        return self.service.client.get_workflow_handle(f"{self.service.store.tenant}/{answer['id']}")

    def check(self, output: object) -> None:
        if output != start(self.length).model_dump():
            raise WrongResult(f"The output is {output!r}")


def starts(length: int) -> Contenders:
    """From the request for a start to its answer."""
    return _pair(length, _start_by_api, _start_directly)


def waits(length: int) -> Contenders:
    """From the end of an execution, as Temporal dates it, until who waits for it has its output."""
    return _pair(length, _hear_by_api, _hear_directly)


def at_once(length: int, count: int) -> Contenders:
    """From the first request for a start until all outputs are there."""

    async def by_api(chain: Chain) -> float:
        return await _all([_run_by_api(chain) for _ in range(count)])

    async def directly(chain: Chain) -> float:
        return await _all([_run_directly(chain) for _ in range(count)])

    return _pair(length, by_api, directly)


def _pair(
    length: int, by_api: Callable[[Chain], Awaitable[float]], directly: Callable[[Chain], Awaitable[float]]
) -> Contenders:
    @asynccontextmanager
    async def contenders(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
        async with service(stage) as running:
            chain = await _published(running, length)
            yield [Contender(OURS, lambda: by_api(chain)), Contender(DIRECT, lambda: directly(chain))]

    return contenders


async def _published(running: Service, length: int) -> Chain:
    found = await running.publish(definitions.chain(length, "bench.step"))
    return Chain(running, found.name, found.plan, length)


async def _start_by_api(chain: Chain) -> float:
    began = time.perf_counter()
    answer = await chain.post()
    seconds = time.perf_counter() - began
    await _quiet(chain, chain.handle(answer))
    return seconds


async def _start_directly(chain: Chain) -> float:
    began = time.perf_counter()
    handle = await chain.start()
    seconds = time.perf_counter() - began
    await _quiet(chain, handle)
    return seconds


async def _quiet(chain: Chain, handle: Handle) -> None:
    chain.check(await handle.result())
    await asyncio.sleep(QUIET)


async def _hear_by_api(chain: Chain) -> float:
    answer = await chain.post(wait=WAIT)
    heard = datetime.now(UTC)
    chain.check(answer["output"])
    return await _since_end(chain.handle(answer), heard)


async def _hear_directly(chain: Chain) -> float:
    handle = await chain.start()
    output = await handle.result()
    heard = datetime.now(UTC)
    chain.check(output)
    return await _since_end(handle, heard)


async def _since_end(handle: Handle, heard: datetime) -> float:
    ended = (await handle.describe()).close_time
    assert ended is not None
    await asyncio.sleep(QUIET)
    return (heard - ended).total_seconds()


async def _all(runs: Sequence[Awaitable[None]]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*runs)
    seconds = time.perf_counter() - began
    await asyncio.sleep(QUIET)
    return seconds


async def _run_by_api(chain: Chain) -> None:
    chain.check((await chain.post(wait=WAIT))["output"])


async def _run_directly(chain: Chain) -> None:
    handle = await chain.start()
    chain.check(await handle.result())
