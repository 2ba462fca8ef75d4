"""By which a test that was run is found again: the draft and the test as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("test_runs", sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.add_column(
        "test_runs", sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.create_index(
        "test_runs_by_digest",
        "test_runs",
        ["tenant_id", "digest", sa.text("at desc")],
        postgresql_where=sa.text("digest is not null"),
    )
