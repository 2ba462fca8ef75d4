"""The errors of each workflow in the order of lists."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.create_index(
        "executions_of_workflow_by_error",
        "executions",
        ["tenant_id", "workflow", sa.text("started_at desc"), sa.text("id desc")],
        postgresql_where=sa.text("error_code is not null"),
    )
