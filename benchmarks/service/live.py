"""From what interpreters say to who follows it: through the sink, PostgreSQL and an API process to WebSockets."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles

import orjson
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.case import OURS, Contender, Facts, Stage
from benchmarks.executions import WrongResult
from benchmarks.servers.service import Service, service
from benchmarks.service.events import said
from dag.events import StepEvent
from worker.journal import writing
from worker.sink import BufferedSink, Step

EXECUTIONS = 10
NODES = 39
A_SECOND = 200
"""Step events that are said."""
FOLLOWERS = 1_000
FEW_NODES = 9
FEW_A_SECOND = 5
"""Of one execution that many follow."""
AT_ONCE = 50
"""Connections that are made at once."""

Contenders = Callable[[Stage], AbstractAsyncContextManager[Sequence[Contender]]]
Said = Mapping[tuple[str, int], float]


def latency(percent: int) -> Contenders:
    """So many of a hundred events are heard within the time that is told: one client for each execution."""

    @asynccontextmanager
    async def contenders(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
        async with service(stage) as running:
            yield [_contender(running, percent, executions=EXECUTIONS, nodes=NODES, a_second=A_SECOND, each=1)]

    return contenders


@asynccontextmanager
async def many(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
    """One execution, followed by many at one API process."""
    async with service(stage) as running:
        yield [_contender(running, 95, executions=1, nodes=FEW_NODES, a_second=FEW_A_SECOND, each=FOLLOWERS)]


def _contender(running: Service, percent: int, *, executions: int, nodes: int, a_second: int, each: int) -> Contender:
    latest: Facts = {}

    async def run() -> float:
        nonlocal latest
        events = said(running.store.tenant, executions=executions, nodes=nodes)
        ids = list(dict.fromkeys(event.execution for event in events))
        before = _resident(running)
        write = writing(running.store.database)
        async with BufferedSink(write) as sink, AsyncExitStack() as stack:
            await write([Step(event, False) for event in events[:executions]])
            opened = await _connected(running, [id for id in ids for _ in range(each)], stack)
            open_at = _resident(running)
            hearing = [asyncio.create_task(_hear(follower)) for follower in opened]
            told = await _say(sink, events[executions:], a_second)
            heard = await asyncio.gather(*hearing)
        took = [at - told[key] for each in heard for key, at in each.items() if key in told]
        if len(took) != len(told) * each:
            raise WrongResult(f"{len(took)} events were heard instead of {len(told) * each}")
        cuts = quantiles(took, n=100)
        latest = {
            "ms at 50 %": round(cuts[49] * 1000),
            "at 95 %": round(cuts[94] * 1000),
            "at 99 %": round(cuts[98] * 1000),
            "KiB for each client": (open_at - before) // len(opened),
            "MiB of the API": _resident(running) // 1024,
        }
        return cuts[percent - 1]

    async def facts() -> Facts:
        return latest

    return Contender(OURS, run, facts)


async def _connected(running: Service, ids: Sequence[str], stack: AsyncExitStack) -> list[ClientConnection]:
    url = str(running.http.base_url).replace("http", "ws", 1)
    headers = {"Authorization": running.http.headers["authorization"]}
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(id: str) -> ClientConnection:
        address = f"{url}workflows/executions/{id}/ws?since=0"
        async with turn:
            return await connect(address, additional_headers=headers, proxy=None, ping_interval=None)

    opened = await asyncio.gather(*(one(id) for id in ids))
    for each in opened:
        stack.push_async_callback(each.close)
    return opened


async def _say(sink: BufferedSink, events: Sequence[StepEvent], a_second: int) -> Said:
    """Say events steadily; gives when each was said. Its number in the journal is that of its strand."""
    told: dict[tuple[str, int], float] = {}
    began = time.perf_counter()
    for number, event in enumerate(events):
        await asyncio.sleep(began + number / a_second - time.perf_counter())
        told[event.execution, event.n] = time.perf_counter()
        sink.step(event, False)
    return told


async def _hear(follower: ClientConnection) -> Said:
    """When each event was heard, until the end."""
    heard: dict[tuple[str, int], float] = {}
    async for text in follower:
        now = time.perf_counter()
        message = orjson.loads(text)
        if message["kind"] == "events":
            for event in message["items"]:
                heard[message["execution"], event["seq"]] = now
    return heard


def _resident(running: Service) -> int:
    """KiB of memory that the API process has."""
    status = Path(f"/proc/{running.api.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
