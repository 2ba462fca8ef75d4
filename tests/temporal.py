"""One real Temporal server for all tests of a process, on loopback and in memory."""

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager, suppress

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime import local_temporal, namespace
from runtime.client import connect
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from store.sealing import Keyring
from worker.reconcile import RECONCILE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server() -> Generator[str]:
    """Run a server for as long as this lasts, and give its address."""
    port = free_port()
    settings = {
        # What has ended can be deleted only after this has been noted, by default every half minute.
        "history.transferProcessorUpdateAckInterval": '"1s"',
        # Who waits for an end hears of it at times only as the server has him ask again, by default after 20 seconds.
        "history.longPollExpirationInterval": '"2s"',
    }
    soon = [part for name, value in settings.items() for part in ("--dynamic-config-value", f"{name}={value}")]
    process = subprocess.Popen(
        [*local_temporal.command(port), *soon], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        asyncio.run(ready(f"127.0.0.1:{port}"))
        asyncio.run(prepared(f"127.0.0.1:{port}"))
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


async def prepared(address: str) -> None:
    """Add what workers add to a namespace."""
    await namespace.prepare(await Client.connect(address))


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    """The address of a server that all tests of this process share: tests keep apart by their ids and queues."""
    with server() as address:
        yield address


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
async def client(temporal: str, storage: MemoryStorage, keyring: Keyring) -> Client:
    """A client as the product makes it, with a storage of its own."""
    return await connect(Settings(temporal_address=temporal), storage=storage, keyring=keyring)


@pytest.fixture
async def no_schedule(temporal: str) -> AsyncGenerator[None]:
    """What installations put there for themselves is theirs: the next one has other keys, and could not read it."""
    handle = (await Client.connect(temporal)).get_schedule_handle(RECONCILE)

    async def delete() -> None:
        with suppress(RPCError):
            await handle.delete()

    await delete()
    yield
    await delete()
