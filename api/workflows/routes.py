"""Workflows and their drafts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from api.bodies import BODY_PROBLEMS, Document, body, described
from api.dependencies import ActivityTypes, Session
from api.paging import Limit, Page, PageOut, after, page
from api.parameters import Flag
from api.preconditions import CertainlySeen, entity_tag
from api.problems import responses
from api.workflows.found import Found, Locked, Reference
from api.workflows.reviewing import Review, Reviewed
from api.workflows.shapes import DOCUMENT_BODY, DescriptionIn, DraftOut, MadeOut, ReviewOut, WorkflowOut
from dag.draft import draft
from store import drafts, versions, workflows
from store.drafts import Kept
from store.tables.workflows import WorkflowRow

router = APIRouter(prefix="/workflows", tags=["workflows"])

AfterName = Annotated[str | None, Depends(after(str))]
NamePrefix = Annotated[str | None, Query(alias="name", max_length=63, pattern="^[a-z0-9-]*$")]
Labels = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[^:\x00]{1,200}:[^\x00]{0,200}$")]],
    Query(
        alias="label", default_factory=list, max_length=10, description="`key:value`; of several, all must be there."
    ),
]
_STATUS = {True: 201, False: 200}


@router.post(
    "",
    status_code=201,
    response_model=MadeOut,
    responses={**BODY_PROBLEMS, **responses(409)},
    openapi_extra=DOCUMENT_BODY,
)
async def create_workflow(
    document: Document, session: Session, types: ActivityTypes, *, publish: Flag = False
) -> dict[str, object]:
    """Store a workflow as a draft; with `publish` its first version too, or nothing at all."""
    row = await workflows.add(session, draft(document))
    problems = (await versions.add(session, row, catalog=types)).problems if publish else ()
    return {**row.model_dump(), "problems": problems}


@router.get("", response_model=PageOut[WorkflowOut])
async def list_workflows(
    session: Session, last: AfterName, label: Labels, name: NamePrefix = None, limit: Limit = 50
) -> Page[WorkflowRow]:
    """List workflows by name; `name` is how names begin."""
    rows = await workflows.page(session, after=last, limit=limit + 1, prefix=name, labels=label)
    return page(session, rows, limit, key=lambda row: row.name)


@router.post("/validate", response_model=ReviewOut, responses=BODY_PROBLEMS, openapi_extra=DOCUMENT_BODY)
async def validate_workflow(review: Reviewed) -> Review:
    """Tell everything that is wrong with a definition; nothing is stored. Text that cannot be read is told as well."""
    return review


@router.post(
    "/import",
    status_code=201,
    response_model=WorkflowOut,
    responses={200: {"model": WorkflowOut, "description": "There was one; it has a new draft"}, **BODY_PROBLEMS},
    openapi_extra=DOCUMENT_BODY,
)
async def import_workflow(document: Document, session: Session, response: Response) -> WorkflowRow:
    """Make a workflow of a definition, or a new draft of the workflow that has its name."""
    row, made = await workflows.put(session, draft(document))
    response.status_code = _STATUS[made]
    return row


@router.get("/{workflow}", response_model=WorkflowOut, responses=responses(404))
async def read_workflow(workflow: Found) -> WorkflowRow:
    """Read a workflow, without its draft."""
    return workflow


@router.patch(
    "/{workflow}",
    response_model=WorkflowOut,
    responses={**BODY_PROBLEMS, **responses(404)},
    openapi_extra=described(DescriptionIn, example={"title": "Greets people", "labels": {"team": "sales"}}),
)
async def describe_workflow(
    description: Annotated[DescriptionIn, Depends(body(DescriptionIn))], workflow: Locked, session: Session
) -> WorkflowRow:
    """Change a draft's title or labels, and nothing else in it."""
    return await drafts.describe(session, workflow, description.model_dump(exclude_unset=True))


@router.delete("/{workflow}", status_code=204, responses=responses(404))
async def delete_workflow(workflow: Reference, session: Session) -> None:
    """Delete a workflow. Its name is free again; its executions go on, and what they did can still be read."""
    await workflows.remove(session, workflow)


@router.get("/{workflow}/draft", response_model=DraftOut, responses=responses(404))
async def read_draft(workflow: Found, session: Session, response: Response) -> Kept:
    """Read the draft; the header ETag is its revision."""
    found = await drafts.newest(session, workflow)
    response.headers["ETag"] = entity_tag(found.revision)
    return found


@router.put(
    "/{workflow}/draft",
    response_model=WorkflowOut,
    responses={**BODY_PROBLEMS, **responses(404, 409, 428)},
    openapi_extra=DOCUMENT_BODY,
)
async def write_draft(
    seen: CertainlySeen, document: Document, workflow: Locked, session: Session, response: Response
) -> WorkflowRow:
    """Make the next revision of the draft. If somebody was faster, 409 tells both revisions and their document."""
    row = await drafts.replace(session, workflow, draft(document), revision=seen)
    response.headers["ETag"] = entity_tag(row.revision)
    return row
