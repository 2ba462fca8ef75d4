"""Every table. Each row belongs to a tenant, which the database itself fills in and filters by.

What a tenant wrote or computed is sealed (store/sealing.py) and of type bytes; in clear is only what lists and searches
need."""
# SQLModel declares `__tablename__` otherwise than everybody writes it.
# pyright: reportAssignmentType=false

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlmodel import Field, SQLModel


def moment(*, nullable: bool = False, default: bool = False) -> Column[datetime]:
    """A time with its zone."""
    return Column(DateTime(timezone=True), nullable=nullable, server_default=text("now()") if default else None)


class Tenanted(SQLModel):
    """What every table has but the tenants' own."""

    tenant_id: str = Field(
        primary_key=True, sa_type=Text, sa_column_kwargs={"server_default": text("current_tenant()")}
    )


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


class ExecutionRow(Tenanted, table=True):
    """One run of a version, as the journal tells it. It outlives its workflow."""

    __tablename__ = "executions"
    __table_args__ = (
        Index("executions_by_time", "tenant_id", text("started_at desc"), text("id desc")),
        Index("executions_by_workflow", "tenant_id", "workflow", text("started_at desc"), text("id desc")),
        Index("executions_by_version", "tenant_id", "workflow", "version", text("started_at desc"), text("id desc")),
        Index("executions_by_status", "tenant_id", "status", text("started_at desc"), text("id desc")),
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
            "executions_by_parent",
            "tenant_id",
            "parent_execution",
            text("started_at desc"),
            text("id desc"),
            postgresql_where=text("parent_execution is not null"),
        ),
        Index("executions_closed", "tenant_id", "closed_at", postgresql_where=text("closed_at is not null")),
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
    )

    execution_id: str = Field(primary_key=True, sa_type=Text)
    attempt: int = Field(primary_key=True)
    path: str = Field(primary_key=True, sa_type=Text)
    type: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    port: str | None = Field(default=None, sa_type=Text)
    output: bytes | None = Field(default=None, sa_type=LargeBinary)
    output_bytes: int | None = None
    error: bytes | None = Field(default=None, sa_type=LargeBinary)
    error_code: str | None = Field(default=None, sa_type=Text)
    cached: bool = Field(sa_column_kwargs={"server_default": text("false")})
    """Whether its output was stored before, and nothing ran."""
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
    )

    execution_id: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    attempt: int
    strand: str | None = Field(default=None, sa_type=Text)
    n: int | None = None
    type: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text)
    at: datetime = Field(sa_column=moment())
    data: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous: int | None = Field(default=None, sa_type=BigInteger)
    checksum: int | None = Field(default=None, sa_type=BigInteger)
    task: int | None = Field(default=None, sa_type=BigInteger)


class SearchValueRow(Tenanted, table=True):
    """A word by which an execution is found: a label (`label.team`) or a search field (`field.invoice`)."""

    __tablename__ = "search_values"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        Index("search_values_of_execution", "tenant_id", "execution_id"),
    )

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(primary_key=True, sa_type=Text)
    execution_id: str = Field(primary_key=True, sa_type=Text)


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


class EmittedEventRow(Tenanted, table=True):
    """An event that somebody sent, kept for those who look back. (The journal's entries are `events`.)"""

    __tablename__ = "emitted_events"
    __table_args__ = (
        Index("emitted_events_by_key", "tenant_id", "name", "key_digest", "at", "id"),
        Index("emitted_events_by_name", "tenant_id", "name", "at", "id"),
        Index("emitted_events_by_time", "tenant_id", text("at desc"), text("id desc")),
        Index("emitted_events_unrouted", "tenant_id", "route_at", postgresql_where=text("route_at is not null")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    key_digest: bytes = Field(sa_type=LargeBinary)
    """Of the key; an event without one has that of null."""
    content: bytes = Field(sa_type=LargeBinary)
    """Key and payload."""
    content_bytes: int
    execution_id: str | None = Field(default=None, sa_type=Text)
    """Null: it is for all executions; else a signal for this one."""
    at: datetime = Field(sa_column=moment())
    route_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    """When those who wait for it are told once more; null: all have been."""


class EventWaitRow(Tenanted, table=True):
    """An entry of what a node run waits for. Its execution may not be stored yet."""

    __tablename__ = "event_waits"
    __table_args__ = (Index("event_waits_by_key", "tenant_id", "name", "key_digest", "strand"),)

    execution_id: str = Field(primary_key=True, sa_type=Text)
    path: str = Field(primary_key=True, sa_type=Text)
    position: int = Field(primary_key=True)
    """In the node's list."""
    strand: str = Field(sa_type=Text)
    """The Temporal workflow that is told."""
    name: str = Field(sa_type=Text)
    key_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Null: the key does not matter."""
    since: datetime = Field(sa_column=moment())


class EventTakingRow(Tenanted, table=True):
    """An event that satisfied a wait: in its execution it satisfies no other."""

    __tablename__ = "event_takings"

    execution_id: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(primary_key=True, sa_type=Text)
    path: str = Field(sa_type=Text)


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


TENANTED = tuple(sorted(name for name, table in SQLModel.metadata.tables.items() if "tenant_id" in table.columns))
"""The tables whose rows are filtered by `tenant_id`; those of `tenants` itself are by `id`."""
