"""Executions, their node runs, their journal, and the words that they are found by."""

# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlmodel import Field

from store.tables.columns import Tenanted, moment


class ExecutionRow(Tenanted, table=True):
    """One run of a version, as the journal tells it. It outlives its workflow."""

    __tablename__ = "executions"
    __table_args__ = (
        Index("executions_by_time", "tenant_id", text("started_at desc"), text("id desc")),
        Index("executions_by_workflow", "tenant_id", "workflow", text("started_at desc"), text("id desc")),
        Index("executions_by_version", "tenant_id", "workflow", "version", text("started_at desc"), text("id desc")),
        Index("executions_by_status", "tenant_id", "status", text("started_at desc"), text("id desc")),
        Index(
            "executions_of_workflow_by_status",
            "tenant_id",
            "workflow",
            "status",
            text("started_at desc"),
            text("id desc"),
        ),
        Index("executions_by_trigger", "tenant_id", "trigger", text("started_at desc"), text("id desc")),
        Index(
            "executions_by_error",
            "tenant_id",
            "error_code",
            text("started_at desc"),
            text("id desc"),
            postgresql_where=text("error_code is not null"),
        ),
        Index(
            "executions_of_workflow_by_error",
            "tenant_id",
            "workflow",
            text("started_at desc"),
            text("id desc"),
            postgresql_where=text("error_code is not null"),
        ),
        Index(
            "executions_by_parent",
            "tenant_id",
            "parent_execution",
            text("started_at desc"),
            text("id desc"),
            postgresql_where=text("parent_execution is not null"),
        ),
        Index(
            "executions_by_source",
            "tenant_id",
            "rerun_of",
            text("started_at desc"),
            text("id desc"),
            postgresql_where=text("rerun_of is not null"),
        ),
        Index("executions_closed", "tenant_id", "closed_at", postgresql_where=text("closed_at is not null")),
        Index(
            "executions_succeeded",
            "tenant_id",
            "workflow",
            "closed_at",
            postgresql_where=text("status = 'succeeded' and trigger <> 'test'"),
        ),
        Index("executions_open", "tenant_id", "check_at", postgresql_where=text("closed_at is null")),
        Index("executions_unchecked", "tenant_id", "check_at", postgresql_where=text("last_seq <> whole_seq")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    workflow_id: str | None = Field(default=None, sa_type=Text)
    workflow: str = Field(sa_type=Text)
    version: int
    status: str = Field(sa_type=Text)
    compensation: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'none'")})
    attempt: int = Field(sa_column_kwargs={"server_default": text("1")})
    trigger: str = Field(sa_type=Text)
    labels: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    input: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Null until the start has been stored, which the journal may outrun."""
    request_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Of what was asked for: a repeated start is the same only if this is. It outlives what Temporal keeps."""
    output: bytes | None = Field(default=None, sa_type=LargeBinary)
    output_bytes: int | None = None
    """Of an output that is too large for the journal."""
    error: bytes | None = Field(default=None, sa_type=LargeBinary)
    error_code: str | None = Field(default=None, sa_type=Text(collation="C"))
    """In the order of its bytes, so that an index finds a whole family of codes."""
    started_at: datetime = Field(sa_column=moment())
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    parent_execution: str | None = Field(default=None, sa_type=Text)
    """Null: it was started from outside. The parent's row may not be there."""
    parent_path: str | None = Field(default=None, sa_type=Text)
    rerun_of: str | None = Field(default=None, sa_type=Text)
    """Of a rerun, the execution in whose middle it begins."""
    updated_at: datetime = Field(sa_column=moment(default=True))
    last_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """The journal's counter: events are numbered under this row's lock."""
    whole_seq: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """Up to here the journal has been found whole."""
    check_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=text("now() + '00:01:00'::interval"))
    )
    """When its journal is looked at next, unless it is closed and whole."""
    healed: str | None = Field(default=None, sa_type=Text)
    """How far Temporal had come when its history was last replayed."""
    steered_n: int = Field(sa_column_kwargs={"server_default": text("0")})
    """The number of the last event of the newest attempt that says whether it is paused."""


class NodeRunRow(Tenanted, table=True):
    """One time a node ran, as its events tell; `n` and `strand` are of the last of them."""

    __tablename__ = "node_runs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        Index("node_runs_by_order", "tenant_id", "execution_id", "attempt", "first_seq"),
        Index(
            "node_runs_by_status",
            "tenant_id",
            "execution_id",
            "attempt",
            "status",
            "first_seq",
            postgresql_where=text("status <> 'succeeded'"),
        ),
        Index("node_runs_by_place", "tenant_id", "execution_id", "attempt", "place", "first_seq"),
    )

    execution_id: str = Field(primary_key=True, sa_type=Text)
    attempt: int = Field(primary_key=True)
    path: str = Field(primary_key=True, sa_type=Text(collation="C"))
    place: str | None = Field(
        default=None,
        sa_column=Column(
            Text(collation="C"),
            Computed(r"regexp_replace(path, '(?<!\.catch)\[[0-9]+\]', '', 'g')", persisted=True),
            nullable=False,
        ),
    )
    """Of its node in the definition: the path without the numbers of turns. The parts `catch[0]`, … of a `try` keep
    theirs; so does a loop with that very id inside another graph."""
    type: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    port: str | None = Field(default=None, sa_type=Text)
    output: bytes | None = Field(default=None, sa_type=LargeBinary)
    output_bytes: int | None = None
    error: bytes | None = Field(default=None, sa_type=LargeBinary)
    error_code: str | None = Field(default=None, sa_type=Text)
    cached: bool = Field(sa_column_kwargs={"server_default": text("false")})
    """Whether its output was stored before, and nothing ran."""
    mocked: bool = Field(sa_column_kwargs={"server_default": text("false")})
    """Whether a test answered for it, and nothing ran."""
    reused: bool = Field(sa_column_kwargs={"server_default": text("false")})
    """Whether it was taken over from an earlier attempt, or from the execution that this is a rerun of."""
    started_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    strand: str = Field(sa_type=Text)
    n: int
    first_seq: int = Field(sa_type=BigInteger)


class EventRow(Tenanted, table=True):
    """One entry of the journal. A step event has its strand's number; other entries have none."""

    __tablename__ = "events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        Index("events_by_number", "tenant_id", "execution_id", "attempt", "strand", "n", unique=True),
        Index("events_by_path", "tenant_id", "execution_id", "path", "seq"),
        Index(
            "events_of_logs",
            "tenant_id",
            "execution_id",
            "seq",
            postgresql_where=text("type in ('log', 'node.log')"),
        ),
    )

    execution_id: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    attempt: int
    strand: str | None = Field(default=None, sa_type=Text)
    n: int | None = None
    type: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text(collation="C"))
    at: datetime = Field(sa_column=moment())
    data: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous: int | None = Field(default=None, sa_type=BigInteger)
    checksum: int | None = Field(default=None, sa_type=BigInteger)
    task: int | None = Field(default=None, sa_type=BigInteger)
    spent: dict[str, int] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    """What an attempt used, where the entry is the record of one: sums of it are kept."""


class SearchValueRow(Tenanted, table=True):
    """A word by which an execution is found: a label (`label.team`), a search field (`field.invoice`), or a word of its
    error (`error`), of which only the digest is kept."""

    __tablename__ = "search_values"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        PrimaryKeyConstraint("tenant_id", "execution_id", "key", "value"),
        Index("search_values_by_time", "tenant_id", "key", "value", text("started_at desc"), text("execution_id desc")),
    )

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(primary_key=True, sa_type=Text)
    execution_id: str = Field(primary_key=True, sa_type=Text)
    started_at: datetime = Field(sa_column=moment(default=True))
    """Of the execution, so that words stand in the order in which executions are listed."""
