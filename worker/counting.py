"""Counts what a worker does for as long as it runs, if the operator gives that a port; otherwise it costs nothing."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager, suppress

from temporalio.runtime import MetricBuffer

from runtime.metrics import Pool, collecting
from runtime.settings import Settings
from store.database import Database
from worker.metrics import MeasuredSink, SinkState
from worker.metrics_server import serving
from worker.sdk_metrics import SdkMetrics
from worker.sink import BufferedSink, Sink

EVERY = 2.0
"""Seconds between two looks at what the SDK has counted: its buffer has an end."""

logger = logging.getLogger("perdure.worker")


@asynccontextmanager
async def counted(
    settings: Settings, sink: BufferedSink, store: Database, *, types: Collection[str], buffer: MetricBuffer | None
) -> AsyncGenerator[Sink]:
    """Gives the sink to be used."""
    if settings.worker_metrics_port is None or buffer is None:
        yield sink
        return
    sdk = SdkMetrics(buffer)
    with collecting(SinkState(sink), Pool(store), sdk), serving(settings) as port:
        logger.info("Metrics are at http://%s:%d/metrics", settings.worker_metrics_host, port)
        looking = asyncio.create_task(_look(sdk))
        try:
            yield MeasuredSink(sink, types)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking


async def _look(sdk: SdkMetrics) -> None:
    while True:
        await asyncio.sleep(EVERY)
        sdk.take()
