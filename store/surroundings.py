"""What a tenant has that a definition may name."""

from sqlmodel import col, select

from dag.checks.surroundings import Surroundings
from store.session import Session
from store.tables.surroundings import SecretRow
from store.tables.tenants import TenantRow
from store.tables.workflows import VersionRow, WorkflowRow


async def around(session: Session) -> Surroundings:
    """Everything that the checks of a definition ask for."""
    secrets = await session.sql.scalars(select(SecretRow.name))
    queues = await session.sql.scalars(select(TenantRow.queue))
    rows = await session.sql.execute(
        select(col(WorkflowRow.name), col(VersionRow.version), col(VersionRow.starts))
        .join(
            VersionRow,
            (col(VersionRow.workflow_id) == col(WorkflowRow.id))
            & (col(VersionRow.version) == col(WorkflowRow.version)),
        )
        .where(col(WorkflowRow.deleted_at).is_(None))
    )
    published = rows.all()
    return Surroundings(
        secrets=frozenset(secrets),
        queues=frozenset(queue for queue in queues if queue is not None),
        workflows={name: frozenset(starts) for name, _, starts in published},
        newest={name: version for name, version, _ in published},
    )
