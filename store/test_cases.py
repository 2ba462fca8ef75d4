"""Tests that are kept with workflows: those of the draft change, those of a version stay as they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import JsonValue
from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.errors import PerdureError
from store.ids import WorkflowId
from store.session import Session
from store.tables.tests import CaseRow

DRAFT = 0
"""The version that the tests of a draft are kept under."""
MOST_CASES = 500
MOST_BYTES = 1024 * 1024


class CaseUnknown(PerdureError):
    """There is no such test of the workflow."""

    code = "test.unknown"


class TooManyCases(PerdureError):
    """A workflow has 500 tests at most."""

    code = "limit.tests"


class CaseTooLarge(PerdureError):
    """A test that is kept has 1 MiB at most."""

    code = "limit.test_bytes"


@dataclass(frozen=True)
class Kept:
    """A test as it is kept."""

    name: str
    updated_at: datetime
    document: JsonValue


async def put(session: Session, workflow: WorkflowId, name: str, document: JsonValue) -> Kept:
    """Keep a test of the draft, in place of the one of that name."""
    written = orjson.dumps(document)
    if len(written) > MOST_BYTES:
        raise CaseTooLarge
    others = select(func.count()).where(
        col(CaseRow.workflow_id) == workflow, col(CaseRow.version) == DRAFT, col(CaseRow.name) != name
    )
    if (await session.sql.scalars(others)).one() >= MOST_CASES:
        raise TooManyCases
    row = insert(CaseRow).values(workflow_id=workflow, version=DRAFT, name=name, document=session.seal.seal(written))
    changed = {"document": row.excluded.document, "updated_at": func.now()}
    stored = row.on_conflict_do_update(constraint="test_cases_pkey", set_=changed).returning(col(CaseRow.updated_at))
    return Kept(name, (await session.sql.scalars(stored)).one(), document)


async def find(session: Session, workflow: WorkflowId, version: int, name: str) -> Kept:
    """One test of a version."""
    query = select(CaseRow).where(
        col(CaseRow.workflow_id) == workflow, col(CaseRow.version) == version, col(CaseRow.name) == name
    )
    row = (await session.sql.scalars(query)).first()
    if row is None:
        raise CaseUnknown(f"The workflow has no test `{name[:100]}`.")
    return _read(session, row)


async def page(
    session: Session, workflow: WorkflowId, version: int, *, after: str | None, limit: int
) -> Sequence[Kept]:
    """List the tests of a version by their names, those after one."""
    query = select(CaseRow).where(col(CaseRow.workflow_id) == workflow, col(CaseRow.version) == version)
    if after is not None:
        query = query.where(col(CaseRow.name) > after)
    return [_read(session, row) for row in await session.sql.scalars(query.order_by(col(CaseRow.name)).limit(limit))]


async def remove(session: Session, workflow: WorkflowId, name: str) -> None:
    """Forget a test of the draft."""
    gone = delete(CaseRow).where(
        col(CaseRow.workflow_id) == workflow, col(CaseRow.version) == DRAFT, col(CaseRow.name) == name
    )
    if (await session.sql.scalars(gone.returning(col(CaseRow.name)))).first() is None:
        raise CaseUnknown(f"The workflow has no test `{name[:100]}`.")


async def freeze(session: Session, workflow: str, version: int) -> None:
    """A version is published: it has the tests of the draft from now on."""
    await session.sql.execute(_FREEZE, {"workflow": workflow, "version": version})


_FREEZE = text("""
insert into test_cases (workflow_id, version, name, document, updated_at)
select workflow_id, :version, name, document, updated_at from test_cases
where workflow_id = :workflow and version = 0
""")


def _read(session: Session, row: CaseRow) -> Kept:
    return Kept(row.name, row.updated_at, orjson.loads(session.seal.open(row.document)))
