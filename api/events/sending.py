"""Sends events: stores them, and tells those who wait."""

from dataclasses import dataclass
from datetime import datetime

import orjson
from fastapi import Response

from api.events.shapes import EventIn
from api.json_answers import answer
from api.means import Means
from dag.errors import PerdureError
from runtime.events import Published, publish
from store import ids
from store.emitted_events import Emitted, Sent
from store.ids import EventId, ExecutionId, TenantId


class EventConflict(PerdureError):
    """This Idempotency-Key has sent another event."""

    code = "idempotency.conflict"


@dataclass(frozen=True)
class Answered:
    """What the one who sent it is told."""

    id: EventId
    at: datetime


async def send(
    means: Means, tenant: TenantId, asked: EventIn, *, key: str | None, execution: ExecutionId | None = None
) -> Published:
    """Send an event to all executions, or to one. With a key only once: repeated, it tells who waits once more."""
    # Before it is stored: what could not be told to anybody now is better sent again than half sent.
    client = await means.temporal.client()
    id = ids.event() if key is None else ids.repeatable_event(tenant, execution or "", f"request {key}")
    event = Sent(id, asked.name, asked.key, asked.payload, execution)
    published = await publish(client, means.database, tenant, event)
    if _said(published.event) != _said(event):
        raise EventConflict
    return published


def sent(published: Published) -> Response:
    """What the one who sent an event is answered."""
    headers = {"Idempotency-Replayed": "true"} if published.repeated else {}
    return answer(Answered(published.event.id, published.event.at), 202, headers)


def _said(event: Emitted | Sent) -> bytes:
    return orjson.dumps([event.name, event.key, event.payload], option=orjson.OPT_SORT_KEYS)
