"""Tickets: what opens one stream, once, for who cannot send a key."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class TicketRow(Tenanted, table=True):
    """A ticket that has not been used; only its hash is kept."""

    __tablename__ = "tickets"
    __table_args__ = (UniqueConstraint("hash"), Index("tickets_by_expiry", "tenant_id", "expires_at"))

    hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    stream: str = Field(sa_type=Text)
    """What it opens."""
    key_id: str = Field(sa_type=Text)
    """Who asked for it: with that key it loses its worth."""
    expires_at: datetime = Field(sa_column=moment())
