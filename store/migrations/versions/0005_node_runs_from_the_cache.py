"""Which node runs were answered with an output that was stored before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("node_runs", sa.Column("cached", sa.Boolean(), server_default=sa.text("false"), nullable=False))
