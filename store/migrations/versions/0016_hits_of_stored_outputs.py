"""How often stored outputs are used, and when last."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("cached_outputs", sa.Column("hits", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("cached_outputs", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
