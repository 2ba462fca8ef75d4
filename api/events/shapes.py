"""What events look like from outside."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from dag.event_names import NAME


class EventIn(BaseModel):
    """An event to send."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "order.paid", "key": "A-17", "payload": {"sum": 12}}]}
    )

    name: Annotated[str, Field(pattern=NAME)]
    """By which it is waited for."""
    key: SkipValidation[JsonValue] = None
    """What it is about, as the number of an order. Who waits with a key gets the events that have the same one."""
    payload: SkipValidation[JsonValue] = None
    """What it says."""


class EmittedOut(BaseModel):
    """An event that was sent."""

    id: str
    at: datetime


class ListedEventOut(EmittedOut):
    """An event in a list."""

    name: str
    execution: str | None
    """A signal is for this one only."""
    key: JsonValue
    payload: JsonValue
    bytes: int
    """Of key and payload; from 64 KiB on they are not shown."""
