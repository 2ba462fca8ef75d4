"""Runs a worker process until it is asked to stop: `python -m worker`."""

import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import suppress

from temporalio.client import Client
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig

from activities import registry
from dag.errors import PerdureError
from runtime import database, namespace
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings, read
from store.database import Database
from worker.cache import CacheInStore
from worker.dependencies import waking
from worker.host import means, worker
from worker.journal import writing
from worker.ours import OUR_WORKFLOWS, our_activities
from worker.reconcile import Reconcile, ensure_schedule, reconcile_activity
from worker.redaction import RedactingFormatter
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
        write_logs(settings)
        with asyncio.Runner(loop_factory=new_event_loop) as runner, suppress(Stopped):
            runner.run(run(settings))
    except PerdureError as wrong:
        print(wrong.message, file=sys.stderr)  # noqa: T201 for who starts it by hand
        return 1
    return 0


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then let running activities end."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    types = registry.load()
    async with database.opened(settings) as store:
        await eventually(lambda: has_schema(store), within=settings.start_timeout, stop=stop)
        storage = DatabaseStorage(store)
        client = await eventually(lambda: temporal(settings, storage, store), within=settings.start_timeout, stop=stop)
        async with (
            BufferedSink(writing(store, waking(client, store))) as sink,
            means(
                settings, types=types, secrets=SecretsInStore(store), cache=CacheInStore(store), storage=storage
            ) as shared,
            worker(
                client,
                settings,
                means=shared,
                sink=sink,
                workflows=[Reconcile, *OUR_WORKFLOWS],
                activities=[reconcile_activity(client, store), *our_activities(client, store)],
            ),
        ):
            # What a worker begins with stays: the collector need not look through all of it again and again.
            gc.collect()
            gc.freeze()
            logger.info("Working on queue %s with %d activity types", settings.queue, len(types))
            await stop.wait()
            logger.info("Stopping; running activities have %s to end", settings.graceful_shutdown)


async def temporal(settings: Settings, storage: DatabaseStorage, store: Database) -> Client:
    """Connect, and prepare the namespace."""
    client = await connect(settings, storage=storage, keyring=store.keyring)
    await namespace.prepare(client)
    await ensure_schedule(client, settings)
    return client


def write_logs(settings: Settings) -> None:
    """Send all logs to standard output, without the secrets of the attempts that write them."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line per request says nothing that its attempt does not
    # A local activity that lasts goes over to a normal one; that its late answer finds nobody is as it should be.
    levels = "error,temporalio_sdk_core=warn,temporalio_sdk_core::worker::activities::local_activities=error"
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"), append_log_fields_to_message=False)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(levels, forwarding))))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Python must not take itself apart under the SDK's threads: in every fourth process that crashes (SDK 1.35).
    os._exit(status)
