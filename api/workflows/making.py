"""Makes workflows, at once with their first version if that is asked for."""

from dataclasses import dataclass
from datetime import datetime

from dag.activity_type import Catalog
from dag.draft import Draft
from dag.problems import Problem
from store import versions, workflows
from store.session import Session


@dataclass(frozen=True)
class Made:
    """A workflow that was made."""

    id: str
    name: str
    title: str | None
    labels: dict[str, str]
    revision: int
    version: int | None
    created_at: datetime
    updated_at: datetime
    problems: tuple[Problem, ...]


async def make(session: Session, draft: Draft, *, catalog: Catalog, publish: bool) -> Made:
    """Make a workflow of a draft. When it is to be published and cannot be, there is no workflow either."""
    row = await workflows.add(session, draft)
    problems = (await versions.add(session, row, catalog=catalog)).problems if publish else ()
    return Made(
        id=row.id,
        name=row.name,
        title=row.title,
        labels=row.labels,
        revision=row.revision,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        problems=problems,
    )
