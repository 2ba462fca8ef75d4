"""What stored outputs are listed by, and which workflows depend on others."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
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
