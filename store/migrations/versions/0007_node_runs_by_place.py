"""Where in the definition a node run belongs, and the lines of logs apart from other entries of the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    # Compared by bytes, so that an index finds what is inside a path, whatever the database's own order is.
    op.alter_column("node_runs", "path", type_=sa.Text(collation="C"))
    op.add_column(
        "node_runs",
        sa.Column(
            "place",
            sa.Text(collation="C"),
            sa.Computed(r"regexp_replace(path, '(?<!\.catch)\[[0-9]+\]', '', 'g')", persisted=True),
            nullable=False,
        ),
    )
    op.create_index(
        "node_runs_by_place", "node_runs", ["tenant_id", "execution_id", "attempt", "place", "first_seq"], unique=False
    )
    op.create_index(
        "events_of_logs",
        "events",
        ["tenant_id", "execution_id", "seq"],
        unique=False,
        postgresql_where=sa.text("type in ('log', 'node.log')"),
    )
