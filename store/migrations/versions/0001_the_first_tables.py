"""The first tables, each closed to all but its own tenant.

Row level security is forced, so that it holds for the owner too, and asks `current_tenant()`, which fails where no
tenant is set: a forgotten tenant is an error, never a leak."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


CURRENT_TENANT = """
create function current_tenant() returns text language plpgsql stable parallel safe as $$
declare tenant text := current_setting('perdure.tenant', true);
begin
    if tenant is null or tenant = '' then -- a connection that is used again has it empty
        raise exception 'No tenant is set for this transaction.' using errcode = 'insufficient_privilege';
    end if;
    return tenant;
end $$
"""
DOORMAN_FUNCTIONS = {
    "tenant_of_key(bytea)": """
create function tenant_of_key(key_hash bytea, out tenant_id text, out key_id text) returns setof record
language sql stable security definer set search_path = public, pg_temp as $$
    select tenant_id, id from api_keys where hash = key_hash and revoked_at is null
$$
""",
    "tenant_ids()": """
create function tenant_ids() returns setof text
language sql stable security definer set search_path = public, pg_temp as $$
    select id from tenants order by id
$$
""",
}
TABLES = (
    "api_keys",
    "drafts",
    "env",
    "events",
    "executions",
    "node_runs",
    "payload_uses",
    "payloads",
    "search_values",
    "secrets",
    "tags",
    "versions",
    "workflows",
)


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.execute(CURRENT_TENANT)
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "env",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name"),
    )
    op.create_table(
        "executions",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=True),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("compensation", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("labels", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("input", sa.LargeBinary(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=True),
        sa.Column("output", sa.LargeBinary(), nullable=True),
        sa.Column("output_bytes", sa.Integer(), nullable=True),
        sa.Column("error", sa.LargeBinary(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("whole_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "check_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now() + '00:01:00'::interval"),
            nullable=False,
        ),
        sa.Column("healed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "executions_by_status",
        "executions",
        ["tenant_id", "status", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "executions_by_trigger",
        "executions",
        ["tenant_id", "trigger", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "executions_by_version",
        "executions",
        ["tenant_id", "workflow", "version", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "executions_by_error",
        "executions",
        ["tenant_id", "error_code", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=sa.text("error_code is not null"),
    )
    op.create_index(
        "executions_closed",
        "executions",
        ["tenant_id", "closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at is not null"),
    )
    op.create_index(
        "executions_by_time",
        "executions",
        ["tenant_id", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "executions_by_workflow",
        "executions",
        ["tenant_id", "workflow", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "executions_open",
        "executions",
        ["tenant_id", "check_at"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index(
        "executions_unchecked",
        "executions",
        ["tenant_id", "check_at"],
        unique=False,
        postgresql_where=sa.text("last_seq <> whole_seq"),
    )
    op.create_table(
        "payloads",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "hash"),
    )
    op.create_table(
        "secrets",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name"),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "workflows",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("labels", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "workflows_by_name",
        "workflows",
        ["tenant_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "drafts",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "workflow_id", "revision"),
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("strand", sa.Text(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.Column("checksum", sa.BigInteger(), nullable=True),
        sa.Column("task", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "execution_id", "seq"),
    )
    op.create_index("events_by_number", "events", ["tenant_id", "execution_id", "attempt", "strand", "n"], unique=True)
    op.create_index("events_by_path", "events", ["tenant_id", "execution_id", "path", "seq"], unique=False)
    op.create_table(
        "node_runs",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("port", sa.Text(), nullable=True),
        sa.Column("output", sa.LargeBinary(), nullable=True),
        sa.Column("output_bytes", sa.Integer(), nullable=True),
        sa.Column("error", sa.LargeBinary(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("strand", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "execution_id", "attempt", "path"),
    )
    op.create_index(
        "node_runs_by_order", "node_runs", ["tenant_id", "execution_id", "attempt", "first_seq"], unique=False
    )
    op.create_index(
        "node_runs_by_status",
        "node_runs",
        ["tenant_id", "execution_id", "attempt", "status", "first_seq"],
        unique=False,
        postgresql_where=sa.text("status <> 'succeeded'"),
    )
    op.create_table(
        "payload_uses",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "hash"], ["payloads.tenant_id", "payloads.hash"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "hash", "execution_id"),
    )
    op.create_index("payload_uses_by_execution", "payload_uses", ["tenant_id", "execution_id"], unique=False)
    op.create_table(
        "search_values",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "key", "value", "execution_id"),
    )
    op.create_index("search_values_of_execution", "search_values", ["tenant_id", "execution_id"], unique=False)
    op.create_table(
        "versions",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("starts", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "workflow_id", "version"),
    )
    op.create_table(
        "tags",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "workflow_id", "version"],
            ["versions.tenant_id", "versions.workflow_id", "versions.version"],
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "workflow_id", "tag"),
    )
    for table in TABLES:
        close(table, "tenant_id")
    close("tenants", "id")
    op.execute("grant select on api_keys, tenants to perdure_doorman")
    op.execute("create policy doorman on api_keys for select to perdure_doorman using (true)")
    op.execute("create policy doorman on tenants for select to perdure_doorman using (true)")
    op.execute("grant select on alembic_version to perdure_app")  # whose readiness depends on it
    op.execute("grant create on schema public to perdure_doorman")
    for name, function in DOORMAN_FUNCTIONS.items():
        op.execute(function)
        op.execute(f"alter function {name} owner to perdure_doorman")
        op.execute(f"revoke all on function {name} from public")
        op.execute(f"grant execute on function {name} to perdure_app")
    op.execute("revoke create on schema public from perdure_doorman")


def close(table: str, column: str) -> None:
    """Let the application see and write the rows of its tenant, and no others."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    own = f"{column} = current_tenant()"
    op.execute(f"create policy tenant on {table} to perdure_app, perdure_migrator using ({own}) with check ({own})")
    op.execute(f"grant select, insert, update, delete on {table} to perdure_app")
