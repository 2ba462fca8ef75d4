"""Large payloads, and outputs that are used again."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, Text
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class PayloadRow(Tenanted, table=True):
    """A large payload, by the hash of its sealed bytes: equal ones of one tenant are one row."""

    __tablename__ = "payloads"

    hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    content: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=moment(default=True))


class PayloadUseRow(Tenanted, table=True):
    """An execution that stored or was given a payload, which therefore must stay."""

    __tablename__ = "payload_uses"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "hash"], ["payloads.tenant_id", "payloads.hash"], ondelete="CASCADE"),
        Index("payload_uses_by_execution", "tenant_id", "execution_id"),
    )

    hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    execution_id: str = Field(primary_key=True, sa_type=Text)


class CachedOutputRow(Tenanted, table=True):
    """An output that nodes use again while its time lasts. It says which execution made it, and outlives that one."""

    __tablename__ = "cached_outputs"
    __table_args__ = (Index("cached_outputs_by_expiry", "tenant_id", "expires_at"),)

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    """Of what it was made of: type, config, key."""
    type: str = Field(sa_type=Text)
    output: bytes = Field(sa_type=LargeBinary)
    execution_id: str = Field(sa_type=Text)
    stored_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
