"""A process that runs the interpreter: `python -m benchmarks.interpreted.worker ADDRESS QUEUE PAYLOADS`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from pydantic_monty import AsyncMonty
from temporalio.client import Client

from activities import registry
from benchmarks.interpreted.plug_ins import TYPES
from benchmarks.serving import serve
from runtime.settings import Settings
from worker import egress, host
from worker.attempt import Means
from worker.evaluation import evaluate
from worker.secrets import SecretsInMemory
from worker.sink import BufferedSink, Entry


@asynccontextmanager
async def working(client: Client, settings: Settings) -> AsyncGenerator[None]:
    """The product's worker, with the benchmarks' activity types beside its own; step events end in the sink."""
    means = Means(
        types={**registry.load(), **TYPES},
        secrets=SecretsInMemory({}),
        http=egress.client(),
        python=AsyncMonty(),
        keep=_keep,
    )
    async with (
        BufferedSink(_written) as sink,
        host.worker(client, settings, means=means, sink=sink, activities=[evaluate]),
    ):
        yield


async def _written(batch: Sequence[Entry]) -> None:
    pass


async def _keep(tenant: str, content: bytes) -> str:
    raise NotImplementedError("No benchmark keeps content outside its executions.")


if __name__ == "__main__":
    serve(working)
