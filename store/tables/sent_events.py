"""Events that were sent, who waits for them, and who took them."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, text
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class EmittedEventRow(Tenanted, table=True):
    """An event that somebody sent, kept for those who look back. (The journal's entries are `events`.)"""

    __tablename__ = "emitted_events"
    __table_args__ = (
        Index("emitted_events_by_key", "tenant_id", "name", "key_digest", "at", "id"),
        Index("emitted_events_by_name", "tenant_id", "name", "at", "id"),
        Index("emitted_events_by_time", "tenant_id", text("at desc"), text("id desc")),
        Index("emitted_events_unrouted", "tenant_id", "route_at", postgresql_where=text("route_at is not null")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    key_digest: bytes = Field(sa_type=LargeBinary)
    """Of the key; an event without one has that of null."""
    content: bytes = Field(sa_type=LargeBinary)
    """Key and payload."""
    content_bytes: int
    execution_id: str | None = Field(default=None, sa_type=Text)
    """Null: it is for all executions; else a signal for this one."""
    at: datetime = Field(sa_column=moment())
    route_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When those who wait for it are told once more; null: all have been."""


class EventWaitRow(Tenanted, table=True):
    """An entry of what a node run waits for. Its execution may not be stored yet."""

    __tablename__ = "event_waits"
    __table_args__ = (Index("event_waits_by_key", "tenant_id", "name", "key_digest", "strand"),)

    execution_id: str = Field(primary_key=True, sa_type=Text)
    path: str = Field(primary_key=True, sa_type=Text)
    position: int = Field(primary_key=True)
    """In the node's list."""
    strand: str = Field(sa_type=Text)
    """The Temporal workflow that is told."""
    name: str = Field(sa_type=Text)
    key_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Null: the key does not matter."""
    since: datetime = Field(sa_column=moment())


class EventTakingRow(Tenanted, table=True):
    """An event that satisfied a wait: in its execution it satisfies no other."""

    __tablename__ = "event_takings"

    execution_id: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(primary_key=True, sa_type=Text)
    path: str = Field(sa_type=Text)
