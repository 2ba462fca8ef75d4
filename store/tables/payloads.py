"""Large payloads, and outputs that are used again."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, Text, text
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
    __table_args__ = (
        Index("cached_outputs_by_expiry", "tenant_id", "expires_at"),
        Index("cached_outputs_by_time", "tenant_id", text("stored_at desc"), text("digest desc")),
        Index("cached_outputs_by_workflow", "tenant_id", "workflow", text("stored_at desc"), text("digest desc")),
        Index(
            "cached_outputs_by_key",
            "tenant_id",
            "key_digest",
            text("stored_at desc"),
            text("digest desc"),
            postgresql_where=text("key_digest is not null"),
        ),
    )

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    """Of what it was made of: type, config, key."""
    type: str = Field(sa_type=Text)
    workflow: str | None = Field(default=None, sa_type=Text)
    """Whose node it was made for; others use it as well. Null: it was stored before this was noted."""
    node: str | None = Field(default=None, sa_type=Text)
    key: bytes | None = Field(default=None, sa_type=LargeBinary)
    key_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    output: bytes = Field(sa_type=LargeBinary)
    output_bytes: int = Field(sa_column_kwargs={"server_default": text("0")})
    """As JSON."""
    execution_id: str | None = Field(default=None, sa_type=Text)
    """Null: a person put it there."""
    stored_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    hits: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """How often it has been used instead of running a node."""
    used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When it was last."""
