"""Tags: names for versions, which can move from one to another."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.errors import PerdureError
from store import versions
from store.session import Session
from store.tables.workflows import TagRow, WorkflowRow


class TagUnknown(PerdureError):
    """There is no such tag."""

    code = "tag.unknown"


class TagRefused(PerdureError):
    """`latest` is always the newest version, and `draft` what is not published yet; choose another tag."""

    code = "tag.refused"


async def put(session: Session, workflow: WorkflowRow, tag: str, version: int) -> TagRow:
    """Let a tag name a version, whatever it named before."""
    if tag in (versions.LATEST, versions.DRAFT):
        raise TagRefused
    found = await versions.find(session, workflow, version)
    values = {"version": found.version, "updated_at": func.now()}
    row = insert(TagRow).values(workflow_id=workflow.id, tag=tag, **values)
    moved = row.on_conflict_do_update(index_elements=["tenant_id", "workflow_id", "tag"], set_=values)
    return (await session.sql.scalars(moved.returning(TagRow))).one()


async def page(session: Session, workflow: WorkflowRow, *, after: str | None, limit: int) -> Sequence[TagRow]:
    """List tags by their names, those after a name."""
    query = select(TagRow).where(col(TagRow.workflow_id) == workflow.id)
    if after is not None:
        query = query.where(col(TagRow.tag) > after)
    return (await session.sql.scalars(query.order_by(col(TagRow.tag)).limit(limit))).all()


async def remove(session: Session, workflow: WorkflowRow, tag: str) -> None:
    """Forget a tag; its version stays."""
    statement = delete(TagRow).where(col(TagRow.workflow_id) == workflow.id, col(TagRow.tag) == tag)
    if (await session.sql.scalars(statement.returning(col(TagRow.tag)))).first() is None:
        raise TagUnknown(f"`{workflow.name}` has no tag `{tag}`.")
