"""Tenants, and the keys that stand for them."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.tables.columns import Tenanted, moment


class TenantRow(SQLModel, table=True):
    """Whoever shares this installation. With a namespace or queue of its own, its executions run there."""

    __tablename__ = "tenants"

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    namespace: str | None = Field(default=None, sa_type=Text)
    queue: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_column=moment(default=True))


class ApiKeyRow(Tenanted, table=True):
    """A key to the API; only its hash is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("hash"),)

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=moment(default=True))
    revoked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
