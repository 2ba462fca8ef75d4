"""What tables are made of."""

from datetime import datetime

from sqlalchemy import Column, DateTime, Text, text
from sqlmodel import Field, SQLModel


def moment(*, nullable: bool = False, default: bool = False) -> Column[datetime]:
    """A time with its zone."""
    return Column(DateTime(timezone=True), nullable=nullable, server_default=text("now()") if default else None)


class Tenanted(SQLModel):
    """What every table has but the tenants' own."""

    tenant_id: str = Field(
        primary_key=True, sa_type=Text, sa_column_kwargs={"server_default": text("current_tenant()")}
    )
