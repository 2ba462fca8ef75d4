"""Tests of workflows: run, kept with them, asked of any execution."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from api.bodies import BODY_PROBLEMS, INPUT, body, described
from api.dependencies import Caller, Means, Session
from api.executions.asking import Id, Wait
from api.paging import Limit, PageOut, after, page
from api.problems import responses
from api.testing import answers
from api.testing.shapes import (
    AssertionsIn,
    DefinitionRunIn,
    KeptOut,
    MadeOut,
    OutcomeOut,
    RunIn,
    SuiteOut,
    SuiteRunIn,
    VerdictOut,
)
from api.workflows.found import Found, Locked, Reference
from api.workflows.version_routes import Selector
from dag.testing.case import CASE_NAME, CaseIn
from store import test_cases
from store.ids import WorkflowId

router = APIRouter(prefix="/workflows", tags=["tests"], responses=responses(401, 429))

Name = Annotated[str, Path(alias="test", pattern=CASE_NAME, description="The name of a test.")]
AfterName = Annotated[str | None, Depends(after(str))]
_ENDED = {
    200: {"model": OutcomeOut, "description": "It has ended"},
    202: {"model": OutcomeOut, "description": "It goes on"},
}


@router.post(
    "/test",
    response_model=OutcomeOut,
    responses={**_ENDED, **BODY_PROBLEMS},
    openapi_extra=described(DefinitionRunIn),
)
async def run_definition_test(
    asked: Annotated[DefinitionRunIn, Depends(body(DefinitionRunIn, limits=INPUT))],
    means: Means,
    caller: Caller,
    wait: Wait = None,
) -> Response:
    """Run a test of a definition that is not stored. Waits 30 seconds for the end unless told otherwise."""
    return await answers.ran_definition(means, caller, asked, wait=wait)


@router.get("/executions/{execution}/test", response_model=OutcomeOut, responses={**_ENDED, **responses(404)})
async def read_test_outcome(means: Means, caller: Caller, id: Id) -> Response:
    """Tell how a test came out, by the execution that it is."""
    return await answers.told(means, caller.tenant, id)


@router.post("/executions/{execution}/test", response_model=MadeOut, responses=responses(404, 409))
async def make_test(means: Means, caller: Caller, id: Id) -> Response:
    """Make a test of an execution that has ended: its input, mocks with what it was given, its end as assertions.
    Nothing is stored."""
    return await answers.made(means, caller.tenant, id)


@router.post(
    "/executions/{execution}/test/validate",
    response_model=VerdictOut,
    responses={**BODY_PROBLEMS, **responses(404, 409)},
    openapi_extra=described(AssertionsIn, example={"assertions": ["output.total > 10"]}),
)
async def validate_execution(
    asked: Annotated[AssertionsIn, Depends(body(AssertionsIn))], means: Means, caller: Caller, id: Id
) -> Response:
    """Ask assertions of any execution that has ended."""
    return await answers.asserted(means, caller.tenant, id, asked)


@router.post(
    "/{workflow}/test",
    response_model=OutcomeOut,
    responses={**_ENDED, **BODY_PROBLEMS, **responses(404, 409)},
    openapi_extra=described(RunIn, required=False),
)
async def run_test(
    asked: Annotated[RunIn, Depends(body(RunIn, limits=INPUT, optional=True))],
    means: Means,
    caller: Caller,
    workflow: Reference,
    wait: Wait = None,
) -> Response:
    """Run a test of the draft or of a version. Nothing has effects but what is named in `real`. Waits 30 seconds for
    the end unless told otherwise."""
    return await answers.ran_one(means, caller, workflow, asked, wait=wait)


@router.post(
    "/{workflow}/tests/run",
    response_model=SuiteOut,
    responses={
        202: {"model": SuiteOut, "description": "Some go on"},
        **BODY_PROBLEMS,
        **responses(404, 409),
    },
    openapi_extra=described(SuiteRunIn, required=False),
)
async def run_tests(
    asked: Annotated[SuiteRunIn, Depends(body(SuiteRunIn, optional=True))],
    means: Means,
    caller: Caller,
    workflow: Reference,
    wait: Wait = None,
) -> Response:
    """Run the tests that are kept with a workflow, and tell how they came out together. Waits a minute unless told
    otherwise."""
    return await answers.suite_ran(means, caller, workflow, asked, wait=wait)


@router.get("/{workflow}/tests", response_model=PageOut[KeptOut], responses=responses(404))
async def list_tests(
    workflow: Found, session: Session, last: AfterName, version: Selector = None, limit: Limit = 50
) -> object:
    """List the tests that are kept with the draft of a workflow, or were with a version, by name."""
    number = await answers.suite_of(session, workflow, version)
    rows = await test_cases.page(session, WorkflowId(workflow.id), number, after=last, limit=limit + 1)
    return page(session, [answers.shown(row) for row in rows], limit, key=lambda row: str(row["name"]))


@router.get("/{workflow}/tests/{test}", response_model=KeptOut, responses=responses(404))
async def read_test(workflow: Found, session: Session, name: Name, version: Selector = None) -> dict[str, object]:
    """Read a test that is kept."""
    number = await answers.suite_of(session, workflow, version)
    return answers.shown(await test_cases.find(session, WorkflowId(workflow.id), number, name))


@router.put(
    "/{workflow}/tests/{test}",
    response_model=KeptOut,
    responses={**BODY_PROBLEMS, **responses(404)},
    openapi_extra=described(CaseIn),
)
async def keep_test(
    asked: Annotated[CaseIn, Depends(body(CaseIn))], workflow: Locked, session: Session, name: Name
) -> dict[str, object]:
    """Keep a test with the draft of a workflow. Versions have the tests that the draft had when they were published."""
    case = asked.model_dump(mode="json", exclude_unset=True)
    return answers.shown(await test_cases.put(session, WorkflowId(workflow.id), name, case))


@router.delete("/{workflow}/tests/{test}", status_code=204, responses=responses(404))
async def forget_test(workflow: Locked, session: Session, name: Name) -> None:
    """Forget a test of the draft. Versions keep it."""
    await test_cases.remove(session, WorkflowId(workflow.id), name)
