"""Drafts with their revisions: two who edit at once lose nothing."""

from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import JsonValue
from sqlalchemy import delete, insert, update
from sqlmodel import col, func, select

from dag.draft import Document, Draft, described, draft
from dag.errors import PerdureError
from store.session import Session
from store.tables.workflows import DraftRow, WorkflowRow

KEPT = 50
"""The newest revisions of a draft that are kept."""


class DraftConflict(PerdureError):
    """Somebody else has changed this draft since you read it; `details` has both revisions, and the newer document."""

    code = "draft.conflict"


class DraftNameDiffers(PerdureError):
    """The name of a workflow never changes; make a new workflow for another name."""

    code = "draft.name_differs"


class DraftChanged(PerdureError):
    """The draft is at another revision than `If-Match` says."""

    code = "draft.changed"


@dataclass(frozen=True)
class Kept:
    """A revision of a draft."""

    revision: int
    document: Document
    created_at: datetime


async def newest(session: Session, workflow: WorkflowRow) -> Kept:
    """The draft as it stands."""
    row = await _newest(session, workflow)
    return Kept(row.revision, orjson.loads(session.seal.open(row.document)), row.created_at)


async def replace(session: Session, workflow: WorkflowRow, draft: Draft, *, revision: int | None = None) -> WorkflowRow:
    """Make the next revision of a draft, on top of the one its author saw (None: whatever it is). The workflow is
    locked. What stands there already is no conflict and no new revision, so a repeated call does no harm."""
    if draft.name != workflow.name:
        raise DraftNameDiffers(
            f"This workflow is `{workflow.name}`, and the document's name is `{draft.name}`. Names never change; "
            "make a new workflow for another name."
        )
    current = await _newest(session, workflow)
    if current.document == session.seal.seal(orjson.dumps(draft.document)):
        return workflow
    if revision is not None and revision != workflow.revision:
        theirs: JsonValue = {
            "revision": current.revision,
            "created_at": current.created_at.isoformat(),
            "document": orjson.loads(session.seal.open(current.document)),
        }
        raise DraftConflict(details={"yours": {"revision": revision}, "current": theirs})
    changed = await _advance(session, workflow, draft)
    await keep(session, changed, draft)
    return changed


async def describe(session: Session, workflow: WorkflowRow, fields: Document) -> WorkflowRow:
    """Change what a draft says of itself. The workflow is locked."""
    current = await newest(session, workflow)
    return await replace(session, workflow, draft(described(current.document, **fields)))


async def keep(session: Session, workflow: WorkflowRow, draft: Draft) -> None:
    """Write the revision that the workflow is at, and forget those that are long past."""
    document = session.seal.seal(orjson.dumps(draft.document))
    await session.sql.execute(
        insert(DraftRow).values(workflow_id=workflow.id, revision=workflow.revision, document=document)
    )
    await session.sql.execute(
        delete(DraftRow).where(
            col(DraftRow.workflow_id) == workflow.id, col(DraftRow.revision) <= workflow.revision - KEPT
        )
    )


def at_revision(workflow: WorkflowRow, revision: int | None) -> WorkflowRow:
    """Refuse a workflow whose draft is at another revision than its author saw."""
    if revision is not None and revision != workflow.revision:
        raise DraftChanged(f"The draft is at revision {workflow.revision}, and `If-Match` says {revision}.")
    return workflow


async def _newest(session: Session, workflow: WorkflowRow) -> DraftRow:
    query = select(DraftRow).where(
        col(DraftRow.workflow_id) == workflow.id, col(DraftRow.revision) == workflow.revision
    )
    return (await session.sql.scalars(query)).one()


async def _advance(session: Session, workflow: WorkflowRow, draft: Draft) -> WorkflowRow:
    statement = (
        update(WorkflowRow)
        .where(col(WorkflowRow.id) == workflow.id)
        .values(revision=col(WorkflowRow.revision) + 1, title=draft.title, labels=draft.labels, updated_at=func.now())
        .returning(WorkflowRow)
        .execution_options(populate_existing=True)
    )
    return (await session.sql.scalars(statement)).one()
