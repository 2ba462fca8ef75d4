"""Waits for what a worker needs to be there, for a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from dag.errors import PerdureError
from runtime.client import TemporalUnreachable
from store.database import Database, StoreUnavailable
from store.schema import at_head

Ready = TypeVar("Ready")

_PAUSE = 0.5

logger = logging.getLogger("perdure.worker")


class SchemaMissing(PerdureError):
    """The database has another schema than this release; run `perdure migrate`."""

    code = "store.schema"


class Stopped(Exception):
    """It was asked to stop before it had started."""


async def eventually(ready: Callable[[], Awaitable[Ready]], *, within: timedelta, stop: asyncio.Event) -> Ready:
    """Ask until it is there; then give what it gives, or raise what was wrong last."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within.total_seconds()
    told = False
    while not stop.is_set():
        try:
            return await ready()
        except (StoreUnavailable, SchemaMissing, TemporalUnreachable) as missing:
            if loop.time() + _PAUSE > until:
                raise
            if not told:
                logger.warning("%s Waiting for it", missing.message)
                told = True
        await asyncio.sleep(_PAUSE)
    raise Stopped


async def has_schema(store: Database) -> None:
    """Raise StoreUnavailable or SchemaMissing unless the database can be worked with."""
    try:
        if not await at_head(store):
            raise SchemaMissing
    except StoreUnavailable as away:
        told = str(getattr(away.__cause__, "orig", None) or away.__cause__).partition("\n")[0]
        raise StoreUnavailable(f"The database of PERDURE_DATABASE_URL does not answer: {told}.") from away
