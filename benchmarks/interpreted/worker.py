"""A process that runs the interpreter: `python -m benchmarks.interpreted.worker ADDRESS QUEUE PAYLOADS`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from temporalio.client import Client

from activities import registry
from benchmarks.interpreted.plug_ins import TYPES
from benchmarks.serving import serve
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from worker import host
from worker.cache import CacheInMemory
from worker.secrets import SecretsInMemory
from worker.sink import BufferedSink, Entry


@asynccontextmanager
async def working(client: Client, settings: Settings) -> AsyncGenerator[None]:
    """The product's worker, with the benchmarks' activity types beside its own; step events end in the sink."""
    types = {**registry.load(), **TYPES}
    async with (
        BufferedSink(_written) as sink,
        host.means(
            settings, types=types, secrets=SecretsInMemory({}), cache=CacheInMemory(), storage=MemoryStorage()
        ) as means,
        host.worker(client, settings, means=means, sink=sink),
    ):
        yield


async def _written(batch: Sequence[Entry]) -> None:
    pass


if __name__ == "__main__":
    serve(working)
