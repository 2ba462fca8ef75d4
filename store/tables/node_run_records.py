"""What attempts tell of node runs, beside what their events do."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, ForeignKeyConstraint, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class NodeRunRecordRow(Tenanted, table=True):
    """What all attempts at one node run come to; with an empty path, all attempts of the execution."""

    __tablename__ = "node_run_records"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
    )

    execution_id: str = Field(primary_key=True, sa_type=Text)
    attempt: int = Field(primary_key=True)
    path: str = Field(primary_key=True, sa_type=Text)
    attempts: int
    """How many attempts have ended."""
    cpu_seconds: float = Field(sa_type=Float)
    cost: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    """Amounts by unit; the units are those of activity types."""
    progress: bytes | None = Field(default=None, sa_type=LargeBinary)
    """What was told last of how far it has come."""
    progress_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
