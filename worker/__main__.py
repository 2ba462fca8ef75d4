"""Runs a worker process until it is asked to stop: `python -m worker`."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

from temporalio.client import Client
from temporalio.runtime import LogForwardingConfig, LoggingConfig, MetricBuffer, Runtime, TelemetryConfig

from activities import registry
from activities.activity_type import AnyActivityType
from dag.errors import PerdureError
from runtime import database, namespace
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.logs import formatter
from runtime.settings import Settings, read
from runtime.tracing import Tracing, tracing
from store.database import Database
from worker.cache import CacheInStore
from worker.counting import counted
from worker.dependencies import waking
from worker.host import means, worker
from worker.journal import writing
from worker.metrics import measured
from worker.ours import OUR_WORKFLOWS, our_activities
from worker.reconcile import Reconcile, ensure_schedule, reconcile_activity
from worker.redaction import RedactingFormatter
from worker.sdk_metrics import DURATIONS, ROOM
from worker.secrets import SecretsInStore
from worker.sink import BufferedSink
from worker.startup import Stopped, eventually, has_schema

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop  # part of what makes a worker half as fast again (measured)

logger = logging.getLogger("perdure.worker")


def main() -> int:
    """Read the settings and run; the answer is the exit status."""
    try:
        settings = read()
        buffer = None if settings.worker_metrics_port is None else MetricBuffer(ROOM, DURATIONS)
        write_logs(settings, buffer)
        with asyncio.Runner(loop_factory=new_event_loop) as runner, suppress(Stopped):
            runner.run(run(settings, buffer))
    except PerdureError as wrong:
        print(wrong.message, file=sys.stderr)  # noqa: T201 for who starts it by hand
        return 1
    return 0


async def run(settings: Settings, buffer: MetricBuffer | None = None) -> None:
    """Work until SIGTERM or SIGINT, then let running activities end."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    types = registry.load()
    with tracing("perdure-worker") as traces:
        await _work(settings, types, stop, traces, buffer)


async def _work(
    settings: Settings,
    types: Mapping[str, AnyActivityType],
    stop: asyncio.Event,
    traces: Tracing | None,
    buffer: MetricBuffer | None,
) -> None:
    async with database.opened(settings) as store:
        await eventually(lambda: has_schema(store), within=settings.start_timeout, stop=stop)
        storage = DatabaseStorage(store)
        client = await eventually(
            lambda: temporal(settings, storage, store, traces), within=settings.start_timeout, stop=stop
        )
        write = writing(store, waking(client, store))
        async with (
            BufferedSink(write if buffer is None else measured(write)) as buffered,
            counted(settings, buffered, store, types=types, buffer=buffer) as sink,
            means(
                settings,
                types=types,
                secrets=SecretsInStore(store),
                cache=CacheInStore(store),
                storage=storage,
                tracing=traces,
            ) as shared,
            worker(
                client,
                settings,
                means=shared,
                sink=sink,
                workflows=[Reconcile, *OUR_WORKFLOWS],
                activities=[reconcile_activity(client, store), *our_activities(client, store)],
                tracing=traces,
            ),
        ):
            # What a worker begins with stays: the collector need not look through all of it again and again.
            gc.collect()
            gc.freeze()
            logger.info("Working on queue %s with %d activity types", settings.queue, len(types))
            await stop.wait()
            logger.info("Stopping; running activities have %s to end", settings.graceful_shutdown)


async def temporal(
    settings: Settings, storage: DatabaseStorage, store: Database, traces: Tracing | None = None
) -> Client:
    """Connect, and prepare the namespace."""
    client = await connect(settings, storage=storage, keyring=store.keyring, tracing=traces)
    await namespace.prepare(client)
    await ensure_schedule(client, settings)
    return client


def write_logs(settings: Settings, buffer: MetricBuffer | None = None) -> None:
    """Send all logs to standard output, without the secrets of the attempts that write them."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(RedactingFormatter(formatter(settings)))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line per request says nothing that its attempt does not
    # A local activity that lasts goes over to a normal one; that its late answer finds nobody is as it should be.
    levels = "error,temporalio_sdk_core=warn,temporalio_sdk_core::worker::activities::local_activities=error"
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"), append_log_fields_to_message=False)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(levels, forwarding), metrics=buffer)))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Python must not take itself apart under the SDK's threads: in every fourth process that crashes (SDK 1.35).
    os._exit(status)
