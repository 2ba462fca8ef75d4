"""Words of executions in the order in which executions are listed, and the states of each workflow."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    # As those of node runs, which they are joined with.
    op.alter_column("events", "path", type_=sa.Text(collation="C"))
    # So that a page of a list reads no more than a page.
    default = sa.text("now()")
    op.add_column(
        "search_values", sa.Column("started_at", sa.DateTime(timezone=True), server_default=default, nullable=False)
    )
    op.execute("alter table search_values no force row level security")
    op.execute("alter table executions no force row level security")
    op.execute(
        "update search_values as s set started_at = e.started_at from executions as e "
        "where e.tenant_id = s.tenant_id and e.id = s.execution_id"
    )
    op.execute("alter table search_values force row level security")
    op.execute("alter table executions force row level security")
    op.drop_constraint("search_values_pkey", "search_values")
    op.create_primary_key("search_values_pkey", "search_values", ["tenant_id", "execution_id", "key", "value"])
    op.drop_index("search_values_of_execution", "search_values")
    op.create_index(
        "search_values_by_time",
        "search_values",
        ["tenant_id", "key", "value", sa.literal_column("started_at desc"), sa.literal_column("execution_id desc")],
        unique=False,
    )
    op.create_index(
        "executions_of_workflow_by_status",
        "executions",
        ["tenant_id", "workflow", "status", sa.literal_column("started_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    # A value belongs to one key: taken for independent, pairs would seem far rarer than they are.
    op.execute("create statistics search_values_words (mcv, dependencies) on key, value from search_values")
    op.execute("alter statistics search_values_words set statistics 1000")
