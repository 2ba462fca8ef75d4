"""Dependencies between workflows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.bodies import BODY_PROBLEMS
from api.dependencies import Session
from api.paging import Limit, Page, PageOut, after, page_of
from api.problems import responses
from api.workflows.dependency_shapes import DependencyOut, DependencyReviewOut
from api.workflows.depending import DEPENDENCY_BODY, Dependency, Other, Review, review
from api.workflows.found import Found
from store import dependencies

router = APIRouter(prefix="/workflows/{workflow}/dependencies", tags=["dependencies"], responses=responses(404))

_STATUS = {True: 201, False: 200}


@router.post(
    "",
    status_code=201,
    response_model=DependencyOut,
    responses={200: {"model": DependencyOut, "description": "There was one; it is changed"}, **BODY_PROBLEMS},
    openapi_extra=DEPENDENCY_BODY,
)
async def put_dependency(
    asked: Dependency, workflow: Found, session: Session, response: Response
) -> dependencies.Dependency:
    """Let a workflow start only if another one has succeeded lately."""
    found, made = await dependencies.put(session, workflow, asked)
    response.status_code = _STATUS[made]
    return found


@router.get("", response_model=PageOut[DependencyOut])
async def list_dependencies(
    workflow: Found, session: Session, last: Annotated[str | None, Depends(after(str))], limit: Limit = 50
) -> Page[dependencies.Dependency]:
    """List what a workflow depends on, by name, and whether each has succeeded lately."""
    found = await dependencies.every(session, workflow.id)
    return page_of(session, found, limit, last, key=lambda each: each.depends_on)


@router.post("/validate", response_model=DependencyReviewOut, responses=BODY_PROBLEMS, openapi_extra=DEPENDENCY_BODY)
async def validate_dependency(asked: Dependency, workflow: Found, session: Session) -> Review:
    """Tell whether a workflow can depend on another one; nothing is stored."""
    return await review(session, workflow, asked)


@router.delete("/{depends_on}", status_code=204)
async def delete_dependency(workflow: Found, depends_on: Other, session: Session) -> None:
    """Let a workflow no longer depend on another one."""
    await dependencies.remove(session, workflow, depends_on)
