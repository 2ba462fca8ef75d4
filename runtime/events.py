"""Brings events to those who wait for them: first stored, then told to each strand that waits.

Whoever waits does it in the other order, first the wait and then a look at what is stored. So each of the two sees the
other, or both do: nothing is lost in between, and what comes twice has the same id."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

import orjson
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode

from dag.event_messages import SIGNAL, EmittedEvent
from dag.strands import StrandId
from runtime.converter import raw
from runtime.gone import AWAY
from runtime.patience import patiently
from store import emitted_events, event_waits
from store.database import Database, StoreUnavailable
from store.emitted_events import Emitted, Sent
from store.event_waits import Waiting
from store.ids import TenantId
from store.session import session

PATIENCE = 10.0
"""Seconds in which all who wait are told; who is left then is told by a later pass."""
AT_ONCE = 20
"""Signals of one event that are on their way together."""
PAGE = 1_000
"""Strands that are read at once."""
_ONE_CALL = timedelta(seconds=5)
_PAUSES = (0.0, 0.1, 0.4, 1.6)
"""Seconds before each time that one strand is told."""
_PASSING = AWAY | {RPCStatusCode.CANCELLED, RPCStatusCode.INTERNAL, RPCStatusCode.UNKNOWN}
"""After these Temporal is asked again."""

logger = logging.getLogger("perdure.events")


class Reached(Enum):
    """What came of telling a strand."""

    TOLD = auto()
    GONE = auto()
    NOT_YET = auto()


@dataclass(frozen=True)
class Published:
    """An event that has been sent. If it had been before, it is as it was then."""

    event: Emitted
    repeated: bool


async def publish(
    client: Client, database: Database, tenant: TenantId, sent: Sent, *, patience: float | None = 0
) -> Published:
    """Store an event, then tell all who wait for it. Once it is stored this does not fail: what cannot be told now is
    told later. `patience` says how many seconds to wait for the database, None: for ever; then it raises
    StoreUnavailable. Raises EventNameInvalid."""
    event, repeated = await patiently(lambda: emitted_events.add(database, tenant, sent), within=patience)
    await route(client, database, tenant, event)
    return Published(event, repeated)


async def route(
    client: Client, database: Database, tenant: TenantId, event: Emitted, *, within: float | None = None
) -> None:
    """Tell all who wait for an event; those who are not reached in time are told by a later pass."""
    try:
        async with asyncio.timeout(PATIENCE if within is None else within):
            to_all = await _tell_all(client, database, tenant, event)
            async with session(database, tenant) as opened:
                await emitted_events.routed(opened, event.id, to_all=to_all)
    except (StoreUnavailable, TimeoutError):
        to_all = False
    if not to_all:
        logger.warning("Not all who wait for event %s of %s could be told of it; they will be", event.id, tenant)


async def _tell_all(client: Client, database: Database, tenant: TenantId, event: Emitted) -> bool:
    told = _signal(event)
    found: Sequence[Waiting] = ()
    reached: set[Reached] = set()
    while not reached or len(found) == PAGE:
        async with session(database, tenant) as opened:
            found = await event_waits.page(opened, event, after=found[-1].strand if found else "", limit=PAGE)
        if not found:
            break
        reached |= await _tell_each(client, database, tenant, found, told)
    if event.execution is not None and not reached:  # nobody waits, but its journal can say that it came
        reached.add(await _tell(client, str(StrandId(tenant, event.execution)), told))
    return Reached.NOT_YET not in reached


async def _tell_each(
    client: Client, database: Database, tenant: TenantId, found: Sequence[Waiting], told: RawValue
) -> set[Reached]:
    """Tell strands, and note those that have ended."""
    left = list(reversed(found))
    gone: list[Waiting] = []
    reached: set[Reached] = set()

    async def tell_some() -> None:
        while left:
            waiting = left.pop()
            came = await _tell(client, waiting.strand, told)
            reached.add(came)
            if came is Reached.GONE:
                gone.append(waiting)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(found))):
            group.create_task(tell_some())
    if gone:
        async with session(database, tenant) as opened:
            for waiting in gone:
                await event_waits.gone(opened, waiting)
    return reached


async def _tell(client: Client, strand: str, told: RawValue) -> Reached:
    """Tell one strand; again if that fails for a moment."""
    for pause in _PAUSES:
        await asyncio.sleep(pause)
        try:
            await client.get_workflow_handle(strand).signal(SIGNAL, told, rpc_timeout=_ONE_CALL)
        except RPCError as refused:
            if refused.status == RPCStatusCode.NOT_FOUND:
                return Reached.GONE
            if refused.status not in _PASSING:  # one that has had too many signals takes more after it continued
                break
        except StoreUnavailable:  # a large payload is stored on the way
            continue
        else:
            return Reached.TOLD
    return Reached.NOT_YET


def _signal(event: Emitted) -> RawValue:
    """Written once for all who are told."""
    return raw(orjson.dumps(EmittedEvent(event.id, event.name, event.key, event.payload, event.at.isoformat())))
