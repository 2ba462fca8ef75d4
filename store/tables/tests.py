"""Tests of workflows that are kept with them, and what is kept of executions that are tests."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class CaseRow(Tenanted, table=True):
    """A test of a workflow's draft (version 0), or of a version: as it was when that was published."""

    __tablename__ = "test_cases"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
    )

    workflow_id: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    name: str = Field(primary_key=True, sa_type=Text(collation="C"))
    document: bytes = Field(sa_type=LargeBinary)
    updated_at: datetime = Field(sa_column=moment(default=True))


class RunRow(Tenanted, table=True):
    """What an execution was started with that is a test: by this its outcome is told."""

    __tablename__ = "test_runs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        Index(
            "test_runs_by_digest", "tenant_id", "digest", text("at desc"), postgresql_where=text("digest is not null")
        ),
    )

    execution_id: str = Field(primary_key=True, sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)
    """The test."""
    plan: bytes = Field(sa_type=LargeBinary)
    """What it runs: drafts change."""
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Of a draft and a test that is kept with it, as both were."""
    at: datetime = Field(sa_column=moment(default=True))
