"""Published versions: made from drafts with all checks, found by number or tag, never changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
from sqlalchemy import insert, update
from sqlmodel import col, func, select

from dag import publish
from dag.activity_type import Catalog
from dag.controls.reaching import Workflow
from dag.definition import Definition
from dag.draft import DefinitionInvalid, Document
from dag.errors import PerdureError
from dag.plan import Plan, encode
from dag.problems import Problem
from store import drafts, surroundings
from store.ids import WorkflowId
from store.session import Session
from store.tables.workflows import TagRow, VersionRow, WorkflowRow
from store.workflows import Head

LATEST = "latest"
DRAFT = "draft"


class VersionUnknown(PerdureError):
    """There is no such version of the workflow."""

    code = "version.unknown"


class WorkflowUnpublished(PerdureError):
    """The workflow has no version yet: publish it."""

    code = "workflow.unpublished"


@dataclass(frozen=True)
class Version:
    """A version without its documents."""

    version: int
    hash: str
    created_at: datetime


@dataclass(frozen=True)
class Written(Version):
    """A version as it was written."""

    document: Document


@dataclass(frozen=True)
class Publication:
    """What publishing came to: a new version, or the newest one again when nothing has changed. The problems warn."""

    version: int
    hash: str
    created_at: datetime
    created: bool
    problems: tuple[Problem, ...]


async def add(session: Session, workflow: WorkflowRow, *, catalog: Catalog) -> Publication:
    """Publish a workflow's draft. The workflow is locked. Raises DefinitionInvalid with every problem."""
    draft = await drafts.newest(session, workflow)
    around = await surroundings.around(session)
    number = (workflow.version or 0) + 1
    # Large graphs take seconds: other requests go on meanwhile.
    made = await asyncio.to_thread(
        publish.publish, draft.document, version=number, catalog=catalog, surroundings=around
    )
    if isinstance(made, publish.Refused):
        raise DefinitionInvalid(made.problems)
    hash = made.definition.content_hash()
    before = await _one(session, workflow, workflow.version) if workflow.version is not None else None
    if before is not None and before.hash == hash and _runs_alike(made.plan, session.seal.open(before.plan), before):
        return Publication(before.version, hash, before.created_at, created=False, problems=made.problems)
    row = insert(VersionRow).values(
        workflow_id=workflow.id,
        version=number,
        hash=hash,
        starts=_starts(made.definition),
        document=session.seal.seal(orjson.dumps(draft.document)),
        plan=session.seal.seal(encode(made.plan)),
    )
    created_at = (await session.sql.scalars(row.returning(col(VersionRow.created_at)))).one()
    newest = (
        update(WorkflowRow)
        .where(col(WorkflowRow.id) == workflow.id)
        .values(version=number, updated_at=func.now())
        .returning(WorkflowRow)
        .execution_options(populate_existing=True)  # whoever holds the row sees it as it is now
    )
    (await session.sql.scalars(newest)).one()
    return Publication(number, hash, created_at, created=True, problems=made.problems)


async def page(session: Session, workflow: WorkflowRow, *, before: int | None, limit: int) -> Sequence[Version]:
    """List versions, the newest first, those before a number."""
    query = select(col(VersionRow.version), col(VersionRow.hash), col(VersionRow.created_at)).where(
        col(VersionRow.workflow_id) == workflow.id
    )
    if before is not None:
        query = query.where(col(VersionRow.version) < before)
    rows = await session.sql.execute(query.order_by(col(VersionRow.version).desc()).limit(limit))
    return [Version(*row) for row in rows]


async def find(session: Session, workflow: WorkflowRow, version: int | str | None) -> Written:
    """A version by its number, by a tag, or the newest one."""
    found = await _one(session, workflow, await number(session, workflow, version))
    if found is None:
        raise _unknown(workflow, version)
    document = orjson.loads(session.seal.open(found.document))
    return Written(version=found.version, hash=found.hash, created_at=found.created_at, document=document)


async def document(session: Session, workflow: WorkflowId, version: int) -> Document | None:
    """A version as it was written, also of a workflow that has been deleted."""
    query = select(col(VersionRow.document)).where(
        col(VersionRow.workflow_id) == workflow, col(VersionRow.version) == version
    )
    found = (await session.sql.scalars(query)).first()
    return None if found is None else orjson.loads(session.seal.open(found))


async def number(session: Session, workflow: WorkflowRow | Head, version: int | str | None) -> int:
    """The number of the version that is meant. That it exists is only known of tags and of the newest."""
    if isinstance(version, int):
        return version
    if version is None or version == LATEST:
        if workflow.version is None:
            raise WorkflowUnpublished(f"`{workflow.name}` has no version yet: publish it.")
        return workflow.version
    if version.isascii() and version.isdecimal() and len(version) < 10:
        return int(version)
    query = select(TagRow.version).where(col(TagRow.workflow_id) == workflow.id, col(TagRow.tag) == version)
    found = (await session.sql.scalars(query)).first()
    if found is None:
        raise _unknown(workflow, version)
    return found


def _unknown(workflow: WorkflowRow | Head, version: int | str | None) -> VersionUnknown:
    return VersionUnknown(f"`{workflow.name}` has no version `{version}`.")


async def _one(session: Session, workflow: WorkflowRow, version: int) -> VersionRow | None:
    query = select(VersionRow).where(col(VersionRow.workflow_id) == workflow.id, col(VersionRow.version) == version)
    return (await session.sql.scalars(query)).first()


def _runs_alike(plan: Plan, before: bytes, row: VersionRow) -> bool:
    """Whether a version would be the same but for its number: it may start newer versions of other workflows."""
    return encode(replace(plan, version=row.version)) == before


def _starts(definition: Definition) -> list[str]:
    names = {
        node.config.name
        for scope in definition.graphs()
        for node in scope.graph.nodes.values()
        if isinstance(node, Workflow) and node.config.wait is not False
    }
    return sorted(names)
