"""What attempts tell of node runs: how many, CPU time, costs, progress."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.create_table(
        "node_run_records",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cpu_seconds", sa.Float(), nullable=False),
        sa.Column("cost", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("progress", sa.LargeBinary(), nullable=True),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "execution_id"], ["executions.tenant_id", "executions.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "execution_id", "attempt", "path"),
    )
    op.execute("alter table node_run_records enable row level security")
    op.execute("alter table node_run_records force row level security")
    own = "tenant_id = current_tenant()"
    op.execute(
        f"create policy tenant on node_run_records to perdure_app, perdure_migrator using ({own}) with check ({own})"
    )
    op.execute("grant select, insert, update, delete on node_run_records to perdure_app")
