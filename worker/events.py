"""The activities by which executions wait for events and emit them. Each may be run any number of times, and waits for
the database as long as that is away."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import orjson
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue

from activities.errors import PayloadTooLarge
from dag.event_messages import (
    EMIT,
    SUBSCRIBE,
    TAKE,
    UNSUBSCRIBE,
    EarlierEvent,
    Emission,
    Subscribed,
    Subscription,
    Taking,
    Unsubscription,
)
from dag.event_names import checked
from dag.limits import DEFAULTS
from runtime.converter import raw
from runtime.events import publish
from runtime.patience import patiently
from store import emitted_events, event_takings, event_waits, ids
from store.database import Database
from store.emitted_events import Sent
from store.event_waits import looked
from store.ids import EventId
from store.session import session
from worker.own_attempt import own_attempt, whose

MOST_EARLIER = 1_000
"""Earlier events that one answer has; it says where the rest begins."""

Answer = TypeVar("Answer")
Activity = Callable[..., Awaitable[object]]


def event_activities(client: Client, database: Database) -> Sequence[Activity]:
    """Make the activities. The workflow id says whose they are: `<tenant>/<execution>`, and perhaps a strand of it."""

    @activity.defn(name=SUBSCRIBE)
    async def subscribe(asked: Subscription) -> RawValue:
        """Begin to wait; gives a Subscribed."""
        async with own_attempt(asked.path):
            for each in asked.wanted:
                checked(each.name)
            if asked.after is None:
                await patiently(lambda: _wait(database, asked))
            since = asked.since
            found = Subscribed((), None) if since is None else await patiently(lambda: _earlier(database, asked, since))
            return raw(orjson.dumps(found), outside=True)

    @activity.defn(name=UNSUBSCRIBE)
    async def unsubscribe(asked: Unsubscription) -> None:
        """Wait no longer."""
        async with own_attempt(asked.path):
            await patiently(lambda: _wait_no_longer(database, asked.path))

    @activity.defn(name=TAKE)
    async def take(asked: Taking) -> bool:
        """Have an event, unless another node of the execution has it."""
        async with own_attempt(asked.path):
            return await patiently(lambda: _taken(database, asked))

    @activity.defn(name=EMIT)
    async def emit(asked: Emission) -> str:
        """Emit an event; gives its id."""
        tenant, execution = whose()
        id = ids.repeatable_event(tenant, execution, f"{asked.attempt} {asked.path}")
        async with own_attempt(asked.path):
            size = len(orjson.dumps(asked.payload))
            if size > DEFAULTS.payload_bytes:
                raise PayloadTooLarge(f"The payload of the event has {size} bytes; {DEFAULTS.payload_bytes} may be.")
            sent = Sent(id, asked.name, asked.key, asked.payload)
            published = await publish(client, database, tenant, sent, patience=None)
            return published.event.id

    return [subscribe, unsubscribe, take, emit]


async def _wait(database: Database, asked: Subscription) -> None:
    tenant, execution = whose()
    async with session(database, tenant) as opened:
        wanted = [looked(opened.seal, each.name, each.key, keyed=each.keyed) for each in asked.wanted]
        await event_waits.put(opened, execution, asked.path, str(activity.info().workflow_id), wanted)


async def _earlier(database: Database, asked: Subscription, since: str) -> Subscribed:
    """In a transaction of its own: the wait must be committed before."""
    tenant, execution = whose()
    async with session(database, tenant) as opened:
        rows, more = await emitted_events.earlier(
            opened,
            execution,
            asked.path,
            [looked(opened.seal, each.name, each.key, keyed=each.keyed) for each in asked.wanted],
            since=datetime.fromisoformat(since),
            after=None if asked.after is None else EventId(asked.after),
            limit=MOST_EARLIER,
        )
    events = tuple(
        EarlierEvent(each.id, each.name, each.key, each.payload, each.at.isoformat(), tuple(positions))
        for each, positions in rows
    )
    return Subscribed(events, events[-1].id if more else None)


async def _taken(database: Database, asked: Taking) -> bool:
    tenant, execution = whose()
    async with session(database, tenant) as opened:
        return await event_takings.take(opened, execution, EventId(asked.event), asked.path)


async def _wait_no_longer(database: Database, path: str) -> None:
    tenant, execution = whose()
    async with session(database, tenant) as opened:
        await event_waits.remove(opened, execution, path)
