"""What tickets look like from outside."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.executions.asking import ID_PATTERN


class TicketIn(BaseModel):
    """What a ticket is asked for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    execution: Annotated[str, Field(pattern=ID_PATTERN)] | None = None
    """The execution whose stream it opens; null: the stream of all executions."""


class TicketOut(BaseModel):
    """A ticket, which is told this once."""

    ticket: str
    """Give it as `?ticket=` to one stream, once."""
    expires_at: datetime
