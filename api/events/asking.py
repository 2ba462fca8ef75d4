"""What requests with events say."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header

from api.bodies import INPUT, body, described
from api.events.shapes import EmittedOut, EventIn
from api.executions.shapes import PRINTABLE
from api.paging import after

EVENT_BODY = described(EventIn, example={"name": "order.paid", "key": "A-17"})
"""For OpenAPI."""
SENT: dict[int | str, dict[str, Any]] = {
    202: {
        "model": EmittedOut,
        "description": "It is stored, and on its way to all who wait for it",
        "headers": {"Idempotency-Replayed": {"description": "It was sent before.", "schema": {"const": "true"}}},
    }
}

Event = Annotated[EventIn, Depends(body(EventIn, limits=INPUT))]
LastEvent = Annotated[tuple[datetime, str] | None, Depends(after(tuple[datetime, str]))]
EventKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=PRINTABLE,
        description="Repeated with the same key, an event is one event still.",
    ),
]
