"""Outputs that nodes with `cache` use again, closed to all but their own tenant."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.create_table(
        "cached_outputs",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("output", sa.LargeBinary(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "digest"),
    )
    op.create_index("cached_outputs_by_expiry", "cached_outputs", ["tenant_id", "expires_at"], unique=False)
    op.execute("alter table cached_outputs enable row level security")
    op.execute("alter table cached_outputs force row level security")
    own = "tenant_id = current_tenant()"
    op.execute(
        f"create policy tenant on cached_outputs to perdure_app, perdure_migrator using ({own}) with check ({own})"
    )
    op.execute("grant select, insert, update, delete on cached_outputs to perdure_app")
