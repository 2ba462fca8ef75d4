"""Which event said last whether an execution is paused."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("executions", sa.Column("steered_n", sa.Integer(), server_default=sa.text("0"), nullable=False))
