"""Workflows, their drafts, versions and tags."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSON
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class WorkflowRow(Tenanted, table=True):
    """A workflow as lists show it. `revision` is its draft's, `version` its newest published one."""

    __tablename__ = "workflows"
    __table_args__ = (
        Index("workflows_by_name", "tenant_id", "name", unique=True, postgresql_where=text("deleted_at is null")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text(collation="C"))
    """In the order of its bytes, so that an index finds all that begin alike."""
    title: str | None = Field(default=None, sa_type=Text)
    labels: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    revision: int
    version: int | None = None
    created_at: datetime = Field(sa_column=moment(default=True))
    updated_at: datetime = Field(sa_column=moment(default=True))
    deleted_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class DraftRow(Tenanted, table=True):
    """One revision of a workflow's draft; the newest ones are kept, so that two who edit at once lose nothing."""

    __tablename__ = "drafts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
    )

    workflow_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(primary_key=True)
    document: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=moment(default=True))


class VersionRow(Tenanted, table=True):
    """A published version: the document as it was written, and its plan. Never changed."""

    __tablename__ = "versions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"),
    )

    workflow_id: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    hash: str = Field(sa_type=Text)
    """Of the document without its layout."""
    starts: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """The workflows that it starts and waits in, by their names."""
    document: bytes = Field(sa_type=LargeBinary)
    plan: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=moment(default=True))


class TagRow(Tenanted, table=True):
    """A name for a version, which can move to another."""

    __tablename__ = "tags"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "workflow_id", "version"],
            ["versions.tenant_id", "versions.workflow_id", "versions.version"],
            ondelete="CASCADE",
        ),
    )

    workflow_id: str = Field(primary_key=True, sa_type=Text)
    tag: str = Field(primary_key=True, sa_type=Text)
    version: int
    updated_at: datetime = Field(sa_column=moment(default=True))
