"""Publishes drafts, with or without their tests having passed."""

from typing import Literal

from api.means import Means
from api.testing.required import TestsNotRun, are_those, passed
from store import drafts, versions, workflows
from store.ids import TenantId
from store.session import session
from store.versions import Publication


async def published(
    means: Means, tenant: TenantId, workflow: str, seen: int | None, *, tests: Literal["required"] | None
) -> Publication:
    """Make the draft the next version. Raises what is wrong with it, TestsNotRun, TestsFailed, DraftChanged."""
    what = None if tests is None else await passed(means, tenant, workflow)
    async with session(means.database, tenant) as s:
        row = drafts.at_revision(await workflows.find(s, workflow, lock=True), seen)
        made = await versions.add(s, row, catalog=means.catalog)
        if what is not None and not await are_those(s, made.hash, what):
            raise TestsNotRun
        return made
