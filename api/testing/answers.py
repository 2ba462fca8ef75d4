"""Answers about tests, with the status that says whether they have ended."""

from fastapi import Response

from api.json_answers import answer
from api.means import Means
from api.testing.outcome import outcome, validated
from api.testing.recording import recorded
from api.testing.running import begin, definition, kept, plain, subject
from api.testing.shapes import AssertionsIn, DefinitionRunIn, RunIn, SuiteRunIn
from api.testing.suites import ran
from store import test_cases, versions
from store.ids import ExecutionId, TenantId
from store.session import Session
from store.tables.workflows import WorkflowRow
from store.tenants import Holder
from store.test_cases import Kept

USUAL_WAIT = 30
"""Seconds that a test is waited for whose request does not say so."""


async def ran_one(means: Means, caller: Holder, workflow: str, asked: RunIn, *, wait: int | None) -> Response:
    """Run a test of a workflow: 200 when it has ended, else 202."""
    found = await subject(means, caller.tenant, workflow, asked.version)
    case = await kept(means, caller.tenant, found, asked)
    seconds = USUAL_WAIT if wait is None else wait
    execution = await begin(means, caller, found, case, name=asked.name, seconds=seconds)
    return await told(means, caller.tenant, execution.id)


async def ran_definition(means: Means, caller: Holder, asked: DefinitionRunIn, *, wait: int | None) -> Response:
    """The same of a definition that nobody keeps."""
    found = await definition(means, caller.tenant, asked.definition)
    seconds = USUAL_WAIT if wait is None else wait
    execution = await begin(means, caller, found, plain(asked), name=None, seconds=seconds)
    return await told(means, caller.tenant, execution.id)


async def told(means: Means, tenant: TenantId, id: ExecutionId) -> Response:
    """How a test came out: 200 when it has ended, else 202."""
    found = await outcome(means, tenant, id)
    return answer(found, 202 if found.passed is None else 200)


async def suite_ran(means: Means, caller: Holder, workflow: str, asked: SuiteRunIn, *, wait: int | None) -> Response:
    """Run tests of a workflow: 200 when all have ended, else 202."""
    found = await ran(means, caller, workflow, asked, seconds=60 if wait is None else wait)
    return answer(found, 202 if found.unfinished else 200)


async def asserted(means: Means, tenant: TenantId, id: ExecutionId, asked: AssertionsIn) -> Response:
    """Ask assertions of an execution."""
    return answer(await validated(means, tenant, id, asked.assertions))


async def made(means: Means, tenant: TenantId, id: ExecutionId) -> Response:
    """Make a test of an execution."""
    return answer(await recorded(means, tenant, id))


async def suite_of(session: Session, workflow: WorkflowRow, version: str | None) -> int:
    """The number that the tests of a version are kept under."""
    return test_cases.DRAFT if version in (None, "draft") else await versions.number(session, workflow, version)


def shown(kept: Kept) -> dict[str, object]:
    """As KeptOut."""
    return {"name": kept.name, "updated_at": kept.updated_at, "test": kept.document}
