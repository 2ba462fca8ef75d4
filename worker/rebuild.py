"""The process that rebuilds executions and ends: `python -m worker.rebuild '{"all": true, "check": true}'`.

It answers on standard output, a line of JSON for each execution, and tells on standard error how far it is."""

import asyncio
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import BaseModel
from temporalio.client import Client
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError

from dag.errors import PerdureError
from runtime import database
from runtime.client import TemporalUnreachable, connect
from runtime.database_storage import DatabaseStorage
from runtime.rebuilding import Asked, Differs, Found, Outcome, Total, Trouble
from runtime.settings import Settings, read
from store.database import Database, StoreUnavailable
from store.ids import ExecutionId, TenantId
from worker.candidates import candidates
from worker.healing import Forgotten
from worker.rebuilding import rebuild
from worker.startup import eventually, has_schema

EVERY = 5.0
"""Seconds between two words on how far it is."""

logger = logging.getLogger("perdure.rebuild")


def main(asked: Asked) -> int:
    """Do what is asked; the answer is the exit status."""
    write_logs()
    try:
        asyncio.run(run(read(), asked, _say))
    except PerdureError as wrong:
        away = isinstance(wrong, StoreUnavailable | TemporalUnreachable)
        _say(Trouble(code="unreachable" if away else "failed", message=wrong.message))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def run(settings: Settings, asked: Asked, say: Callable[[BaseModel], None]) -> None:
    """Rebuild one after the other, some side by side. Raises StoreUnavailable, TemporalUnreachable."""
    async with database.opened(settings, connections=asked.at_once + 1) as store:
        never = asyncio.Event()
        await eventually(lambda: has_schema(store), within=settings.start_timeout, stop=never)
        connecting = lambda: connect(settings, storage=DatabaseStorage(store), keyring=store.keyring)  # noqa: E731
        client = await eventually(connecting, within=settings.start_timeout, stop=never)
        doing = _Doing(client, store, asked, say)
        telling = asyncio.create_task(_tell(doing))
        try:
            await _do(doing)
        except ExceptionGroup as failed:
            raise _reason(failed.exceptions[0], settings) from failed
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
        seconds = round(time.monotonic() - doing.began, 3)
        say(Total(check=asked.check, outcomes=dict(doing.outcomes), events=doing.events, seconds=seconds))


def _reason(error: Exception, settings: Settings) -> Exception:
    if isinstance(error, RPCError):
        return TemporalUnreachable(f"Temporal does not answer at {settings.temporal_address}: {error.status.name}.")
    return error


@dataclass
class _Doing:
    client: Client
    store: Database
    asked: Asked
    say: Callable[[BaseModel], None]
    began: float = field(default_factory=time.monotonic)
    outcomes: Counter[Outcome] = field(default_factory=Counter[Outcome])
    events: int = 0

    def replayed(self, events: int) -> None:
        self.events += events


async def _do(doing: _Doing) -> None:
    asked = doing.asked
    slots = asyncio.Semaphore(asked.at_once)

    async def one(work: Awaitable[Found]) -> None:
        try:
            found = await work
            doing.outcomes[found.outcome] += 1
            doing.say(found)
        finally:
            slots.release()

    async with asyncio.TaskGroup() as group:
        async for tenant, execution in candidates(doing.client, doing.store, asked):
            await slots.acquire()
            group.create_task(one(_one(doing, tenant, execution)))


async def _one(doing: _Doing, tenant: TenantId | None, execution: ExecutionId) -> Found:
    """One execution; what goes wrong with it must not keep others from it."""
    if tenant is None:
        return Found(execution=execution, outcome="unknown", message="Neither we nor Temporal know it.")
    asked = doing.asked
    try:
        found = await rebuild(doing.client, doing.store, tenant, execution, check=asked.check, replayed=doing.replayed)
    except Forgotten:
        message = "Temporal keeps its history no longer: what is stored is all there is, and stays as it is."
        return Found(execution=execution, tenant=tenant, outcome="forgotten", message=message)
    except (StoreUnavailable, RPCError):
        raise
    except Exception as error:
        logger.exception("%s/%s cannot be rebuilt", tenant, execution)
        message = f"It cannot be replayed: {type(error).__name__}. The log says more."
        return Found(execution=execution, tenant=tenant, outcome="failed", message=message)
    outcome: Outcome = "same" if not found.differences else "differs" if asked.check else "rebuilt"
    rows = [
        Differs(table=each.table, row=each.row, kind=each.kind, columns=list(each.columns))
        for each in found.differences[: asked.shown]
    ]
    return Found(
        execution=execution,
        tenant=tenant,
        outcome=outcome,
        events=found.events,
        differences=rows,
        more=len(found.differences) - len(rows),
        left=list(found.left),
    )


async def _tell(doing: _Doing) -> None:
    """Say how far it is, for as long as it lasts."""
    while True:
        await asyncio.sleep(EVERY)
        done = sum(doing.outcomes.values())
        sys.stderr.write(f"{done:,} executions so far, {doing.events:,} events replayed\n")
        sys.stderr.flush()


def _say(line: BaseModel) -> None:
    sys.stdout.write(line.model_dump_json() + "\n")
    sys.stdout.flush()


def write_logs() -> None:
    """Send logs to standard error: standard output is for answers."""
    logging.basicConfig(level="WARNING", stream=sys.stderr)
    forwarding = LogForwardingConfig(logging.getLogger("temporalio.core"), append_log_fields_to_message=False)
    Runtime.set_default(
        Runtime(telemetry=TelemetryConfig(logging=LoggingConfig("error,temporalio_sdk_core=warn", forwarding)))
    )


if __name__ == "__main__":
    status = main(Asked.model_validate_json(sys.argv[1]))
    sys.stdout.flush()
    # Python must not take itself apart under the SDK's threads: in every fourth process that crashes (SDK 1.35).
    os._exit(status)
