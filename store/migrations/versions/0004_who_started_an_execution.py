"""Which execution started an execution."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("executions", sa.Column("parent_execution", sa.Text(), nullable=True))
    op.add_column("executions", sa.Column("parent_path", sa.Text(), nullable=True))
    op.create_index(
        "executions_by_parent",
        "executions",
        ["tenant_id", "parent_execution", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
        postgresql_where=sa.text("parent_execution is not null"),
    )
