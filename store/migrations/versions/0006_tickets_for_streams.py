"""Tickets that open one stream once, and the function that takes one in before there is a tenant."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FUNCTION = "redeem_ticket(bytea, text)"
REDEEM = """
create function redeem_ticket(ticket bytea, asked text, out tenant_id text, out key_id text) returns setof record
language sql volatile security definer set search_path = public, pg_temp as $$
    with used as (
        delete from tickets as t where t.hash = ticket and t.stream = asked and t.expires_at > now()
        returning t.tenant_id, t.key_id
    )
    select used.tenant_id, used.key_id from used
    join api_keys as k on k.tenant_id = used.tenant_id and k.id = used.key_id
    where k.revoked_at is null
$$
"""


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.create_table(
        "tickets",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "hash"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index("tickets_by_expiry", "tickets", ["tenant_id", "expires_at"], unique=False)
    op.execute("alter table tickets enable row level security")
    op.execute("alter table tickets force row level security")
    own = "tenant_id = current_tenant()"
    op.execute(f"create policy tenant on tickets to perdure_app, perdure_migrator using ({own}) with check ({own})")
    op.execute("create policy doorman on tickets to perdure_doorman using (true)")
    op.execute("grant select, insert, update, delete on tickets to perdure_app")
    op.execute("grant select, delete on tickets to perdure_doorman")
    op.execute("grant create on schema public to perdure_doorman")
    op.execute(REDEEM)
    op.execute(f"alter function {FUNCTION} owner to perdure_doorman")
    op.execute(f"revoke all on function {FUNCTION} from public")
    op.execute(f"grant execute on function {FUNCTION} to perdure_app")
    op.execute("revoke create on schema public from perdure_doorman")
