"""DBOS and Restate as contenders in the chain without effects, each with its own servers and processes."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from benchmarks.case import Contender
from benchmarks.executions import WrongResult
from benchmarks.processes import LOOPBACK, child, free_ports, listening
from benchmarks.rivals.installation import PROGRAMS, Installation, install
from benchmarks.servers.postgres import postgres
from benchmarks.servers.restate import restate
from benchmarks.step import start

POSTGRES = "DBOS on PostgreSQL"
POSTGRES_LAX = "DBOS on PostgreSQL, synchronous_commit off"
SQLITE = "DBOS on SQLite"
RESTATE = "Restate"


@asynccontextmanager
async def read_chains(folder: Path, length: int) -> AsyncGenerator[list[Contender]]:
    """Run all of them for as long as the block lasts."""
    installed = await install()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(postgres(folder))
        databases = {
            POSTGRES: server.url(database="strict"),
            POSTGRES_LAX: server.url(database="lax") + "?options=-c%20synchronous_commit%3Doff",
            SQLITE: f"sqlite:///{folder / 'dbos.sqlite'}",
        }
        dbos = [
            await stack.enter_async_context(_dbos(installed, name, url, folder, length))
            for name, url in databases.items()
        ]
        yield [*dbos, await stack.enter_async_context(_restate(installed, folder, length))]


@asynccontextmanager
async def _dbos(
    installed: Installation, name: str, database: str, folder: Path, length: int
) -> AsyncGenerator[Contender]:
    command = [str(installed.python), str(PROGRAMS / "dbos_chain.py"), database]
    asked = json.dumps({"start": start().model_dump(), "length": length})
    async with child(command, folder / f"{name}.log", speaks=True) as program:

        async def run() -> float:
            reply = json.loads(await program.ask(asked))
            _check(name, reply["result"], length)
            return reply["seconds"]

        yield Contender(name, run)


@asynccontextmanager
async def _restate(installed: Installation, folder: Path, length: int) -> AsyncGenerator[Contender]:
    (port,) = free_ports(1)
    command = [str(installed.python), str(PROGRAMS / "restate_chain.py"), str(port)]
    asked = {"start": start().model_dump(), "length": length}
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(child(command, folder / "restate-endpoint.log"))
        await listening(port, endpoint)
        url = await stack.enter_async_context(restate(installed.node_modules, f"http://{LOOPBACK}:{port}", folder))
        client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=60))

        async def run() -> float:
            began = time.perf_counter()
            reply = await client.post(f"{url}/Chain/run", json=asked)
            seconds = time.perf_counter() - began
            _check(RESTATE, reply.raise_for_status().json(), length)
            return seconds

        yield Contender(RESTATE, run)


def _check(name: str, result: object, length: int) -> None:
    if result != start(length).model_dump():
        raise WrongResult(f"{name} gave {result!r}")
