"""What a tenant's executions find around them: secrets and settings."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import LargeBinary, Text
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class SecretRow(Tenanted, table=True):
    """A value that only attempts see; it can be replaced and deleted, never read."""

    __tablename__ = "secrets"

    name: str = Field(primary_key=True, sa_type=Text)
    value: bytes = Field(sa_type=LargeBinary)
    updated_at: datetime = Field(sa_column=moment(default=True))


class EnvRow(Tenanted, table=True):
    """A setting of the tenant's that expressions read as `env.<name>`."""

    __tablename__ = "env"

    name: str = Field(primary_key=True, sa_type=Text)
    value: bytes = Field(sa_type=LargeBinary)
    updated_at: datetime = Field(sa_column=moment(default=True))
