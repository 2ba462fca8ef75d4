"""Which node runs were taken over, and which executions are reruns of which."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("node_runs", sa.Column("reused", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("executions", sa.Column("rerun_of", sa.Text(), nullable=True))
    op.create_index(
        "executions_by_source",
        "executions",
        ["tenant_id", "rerun_of", sa.text("started_at desc"), sa.text("id desc")],
        postgresql_where=sa.text("rerun_of is not null"),
    )
