"""Events that were sent, the node runs that wait for some, and which took which."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.create_table(
        "emitted_events",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_bytes", sa.Integer(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("route_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("emitted_events_by_key", "emitted_events", ["tenant_id", "name", "key_digest", "at", "id"])
    op.create_index("emitted_events_by_name", "emitted_events", ["tenant_id", "name", "at", "id"])
    op.create_index(
        "emitted_events_by_time",
        "emitted_events",
        ["tenant_id", sa.literal_column("at desc"), sa.literal_column("id desc")],
    )
    op.create_index(
        "emitted_events_unrouted",
        "emitted_events",
        ["tenant_id", "route_at"],
        postgresql_where=sa.text("route_at is not null"),
    )
    op.create_table(
        "event_waits",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("strand", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "execution_id", "path", "position"),
    )
    op.create_index("event_waits_by_key", "event_waits", ["tenant_id", "name", "key_digest", "strand"])
    op.create_table(
        "event_takings",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "execution_id", "event_id"),
    )
    for table in ("emitted_events", "event_waits", "event_takings"):
        close(table)


def close(table: str) -> None:
    """Let the application see and write the rows of its tenant, and no others."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    own = "tenant_id = current_tenant()"
    op.execute(f"create policy tenant on {table} to perdure_app, perdure_migrator using ({own}) with check ({own})")
    op.execute(f"grant select, insert, update, delete on {table} to perdure_app")
