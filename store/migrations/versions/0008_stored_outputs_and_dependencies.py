"""What stored outputs are listed by, and which workflows depend on others."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("cached_outputs", sa.Column("workflow", sa.Text(), nullable=True))
    op.add_column("cached_outputs", sa.Column("node", sa.Text(), nullable=True))
    op.add_column("cached_outputs", sa.Column("key", sa.LargeBinary(), nullable=True))
    op.add_column("cached_outputs", sa.Column("key_digest", sa.LargeBinary(), nullable=True))
    op.add_column(
        "cached_outputs", sa.Column("output_bytes", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.alter_column("cached_outputs", "execution_id", nullable=True)
    op.create_index(
        "cached_outputs_by_time",
        "cached_outputs",
        ["tenant_id", sa.literal_column("stored_at desc"), sa.literal_column("digest desc")],
    )
    op.create_index(
        "cached_outputs_by_workflow",
        "cached_outputs",
        ["tenant_id", "workflow", sa.literal_column("stored_at desc"), sa.literal_column("digest desc")],
    )
    op.create_index(
        "cached_outputs_by_key",
        "cached_outputs",
        ["tenant_id", "key_digest", sa.literal_column("stored_at desc"), sa.literal_column("digest desc")],
        postgresql_where=sa.text("key_digest is not null"),
    )
    op.create_table(
        "workflow_dependencies",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("depends_on", sa.Text(), nullable=False),
        sa.Column("within", sa.Float(), nullable=False),
        sa.Column("on_unmet", sa.Text(), nullable=False),
        sa.Column("wait_at_most", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "workflow_id"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "depends_on"], ["workflows.tenant_id", "workflows.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "workflow_id", "depends_on"),
    )
    op.create_index("workflow_dependencies_by_other", "workflow_dependencies", ["tenant_id", "depends_on"])
    op.create_table(
        "dependency_waits",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("within", sa.Float(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "execution_id", "workflow"),
    )
    op.create_index("dependency_waits_by_workflow", "dependency_waits", ["tenant_id", "workflow"])
    op.create_index(
        "executions_succeeded",
        "executions",
        ["tenant_id", "workflow", "closed_at"],
        postgresql_where=sa.text("status = 'succeeded' and trigger <> 'test'"),
    )
    own = "tenant_id = current_tenant()"
    for table in ("workflow_dependencies", "dependency_waits"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy tenant on {table} to perdure_app, perdure_migrator using ({own}) with check ({own})")
        op.execute(f"grant select, insert, update, delete on {table} to perdure_app")
