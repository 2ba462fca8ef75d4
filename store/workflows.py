"""Workflows: made, found by id or name, listed, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.draft import Draft
from dag.errors import PerdureError
from store import drafts, ids
from store.ids import WorkflowId
from store.session import Session
from store.tables.workflows import WorkflowRow

_LAST = "\x7f"
"""Sorts after every character of a name."""


class WorkflowUnknown(PerdureError):
    """There is no such workflow."""

    code = "workflow.unknown"


class WorkflowExists(PerdureError):
    """There is a workflow of this name already; change its draft instead."""

    code = "workflow.exists"


@dataclass(frozen=True)
class Head:
    """What a start asks of a workflow."""

    id: WorkflowId
    name: str
    version: int | None
    """The newest one, if there is one."""


async def add(session: Session, draft: Draft) -> WorkflowRow:
    """Make a workflow of a first draft."""
    made = await _insert(session, draft)
    if made is None:
        raise WorkflowExists(f"There is a workflow `{draft.name}` already; change its draft instead.")
    await drafts.keep(session, made, draft)
    return made


async def put(session: Session, draft: Draft) -> tuple[WorkflowRow, bool]:
    """Make a workflow of a draft, or give the workflow of that name this draft; and whether it was made."""
    made = await _insert(session, draft)
    if made is not None:
        await drafts.keep(session, made, draft)
        return made, True
    return await drafts.replace(session, await find(session, draft.name, lock=True), draft), False


async def find(session: Session, reference: str, *, lock: bool = False) -> WorkflowRow:
    """Find a workflow by its id or its name; with a lock nobody else changes it until the end."""
    named = col(WorkflowRow.id if reference.startswith(ids.PREFIXES["workflow"]) else WorkflowRow.name)
    query = select(WorkflowRow).where(named == reference, col(WorkflowRow.deleted_at).is_(None))
    found = (await session.sql.scalars(query.with_for_update() if lock else query)).first()
    if found is None:
        raise WorkflowUnknown(f"There is no workflow `{reference}`.")
    return found


async def name(session: Session, reference: str) -> str:
    """What a workflow is or was called, by its id or its name. What nothing is called stays as it is."""
    if not reference.startswith(ids.PREFIXES["workflow"]):
        return reference
    return (
        await session.sql.scalars(select(WorkflowRow.name).where(col(WorkflowRow.id) == reference))
    ).first() or reference


async def head(session: Session, reference: str) -> Head:
    """Find a workflow by its id or its name, for those who start it: as often as anything is done."""
    by_id = reference.startswith(ids.PREFIXES["workflow"])
    found = (await session.sql.execute(_HEAD_BY_ID if by_id else _HEAD_BY_NAME, {"reference": reference})).first()
    if found is None:
        raise WorkflowUnknown(f"There is no workflow `{reference}`.")
    return Head(WorkflowId(found.id), found.name, found.version)


_HEAD_BY_ID = text("select id, name, version from workflows where id = :reference and deleted_at is null")
_HEAD_BY_NAME = text("select id, name, version from workflows where name = :reference and deleted_at is null")


async def page(
    session: Session, *, after: str | None, limit: int, prefix: str | None = None, labels: Sequence[str] = ()
) -> Sequence[WorkflowRow]:
    """List workflows by their names, those after a name; labels are written `key:value`, and all must be there."""
    query = select(WorkflowRow).where(col(WorkflowRow.deleted_at).is_(None))
    if after is not None:
        query = query.where(col(WorkflowRow.name) > after)
    if prefix:
        query = query.where(col(WorkflowRow.name) >= prefix, col(WorkflowRow.name) < prefix + _LAST)
    for label in labels:
        key, _, value = label.partition(":")
        query = query.where(func.json_extract_path_text(col(WorkflowRow.labels), key) == value)
    return (await session.sql.scalars(query.order_by(col(WorkflowRow.name)).limit(limit))).all()


async def remove(session: Session, reference: str) -> None:
    """Delete a workflow: its name is free, and what runs or ran of it stays."""
    found = await find(session, reference, lock=True)
    await session.sql.execute(update(WorkflowRow).where(col(WorkflowRow.id) == found.id).values(deleted_at=func.now()))
    await session.sql.execute(_DEPENDS_NO_MORE, {"workflow": found.id})


_DEPENDS_NO_MORE = text("delete from workflow_dependencies where workflow_id = :workflow or depends_on = :workflow")
"""Nothing waits for what will never run again."""


async def _insert(session: Session, draft: Draft) -> WorkflowRow | None:
    row = insert(WorkflowRow).values(
        id=ids.workflow(), name=draft.name, title=draft.title, labels=draft.labels, revision=1
    )
    free = row.on_conflict_do_nothing(
        index_elements=["tenant_id", "name"], index_where=col(WorkflowRow.deleted_at).is_(None)
    )
    return (await session.sql.scalars(free.returning(WorkflowRow))).first()
