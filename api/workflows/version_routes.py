"""Published versions of workflows, and their tags."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from api.bodies import BODY_PROBLEMS, body, described
from api.dependencies import Caller, Means, Session
from api.paging import Limit, Page, PageOut, after, page
from api.parameters import Whole
from api.preconditions import Seen, entity_tag
from api.problems import responses
from api.workflows.comparing import compared
from api.workflows.difference_shapes import DifferenceOut
from api.workflows.exporting import export
from api.workflows.found import Found, Locked, Reference
from api.workflows.publishing import published
from api.workflows.routes import AfterName
from api.workflows.shapes import TAG, PublicationOut, TagIn, TagOut, VersionDocumentOut, VersionOut, WorkflowOut
from dag.draft import draft
from store import drafts, tags, versions
from store.tables.workflows import TagRow, WorkflowRow
from store.versions import Publication, Version, Written

router = APIRouter(prefix="/workflows/{workflow}", tags=["versions"], responses=responses(404))

Number = Annotated[Whole, Path(ge=1, le=999_999_999)]
Selector = Annotated[
    str | None,
    Query(pattern=r"^([0-9]{1,9}|[a-z][a-z0-9._-]{0,62})$", description="A number, a tag, or `latest`."),
]
Compared = Annotated[
    str,
    Path(pattern=r"^([0-9]{1,9}|[a-z][a-z0-9._-]{0,62})$", description="A number, a tag, `latest` or `draft`."),
]
Tests = Annotated[
    Literal["required"] | None,
    Query(description="`required`: only if the tests kept with the draft have passed, on the draft as it is."),
]
Tag = Annotated[str, Path(pattern=TAG)]
_STATUS = {True: 201, False: 200}


@router.post(
    "/publish",
    status_code=201,
    response_model=PublicationOut,
    responses={
        200: {"model": PublicationOut, "description": "Nothing has changed since the newest version"},
        **responses(409, 412),
    },
)
async def publish_workflow(
    workflow: Reference, seen: Seen, means: Means, caller: Caller, response: Response, tests: Tests = None
) -> Publication:
    """Make the draft the next version, or tell all its problems. A draft that equals the newest version makes none."""
    made = await published(means, caller.tenant, workflow, seen, tests=tests)
    response.status_code = _STATUS[made.created]
    return made


@router.get("/versions", response_model=PageOut[VersionOut])
async def list_versions(
    workflow: Found, session: Session, before: Annotated[int | None, Depends(after(int))], limit: Limit = 50
) -> Page[Version]:
    """List the versions of a workflow, the newest first."""
    rows = await versions.page(session, workflow, before=before, limit=limit + 1)
    return page(session, rows, limit, key=lambda row: row.version)


@router.get("/versions/{version}", response_model=VersionDocumentOut)
async def read_version(workflow: Found, version: Number, session: Session) -> Written:
    """Read a version as it was written."""
    return await versions.find(session, workflow, version)


@router.post("/versions/{version}/restore", response_model=WorkflowOut)
async def restore_version(workflow: Locked, version: Number, session: Session, response: Response) -> WorkflowRow:
    """Make a version the draft again; publish it to make it the newest."""
    found = await versions.find(session, workflow, version)
    row = await drafts.replace(session, workflow, draft(found.document))
    response.headers["ETag"] = entity_tag(row.revision)
    return row


@router.get(
    "/versions/{a}/diff/{b}",
    response_model=DifferenceOut,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **responses(409)},
)
async def compare_versions(
    workflow: Found, a: Compared, b: Compared, session: Session, format: Literal["json", "text"] = "json"
) -> Response:
    """Tell what differs from one version to another: nodes, edges, fields, order, and the drawing apart."""
    return await compared(session, workflow, a, b, format=format)


@router.get("/tags", response_model=PageOut[TagOut])
async def list_tags(workflow: Found, session: Session, last: AfterName, limit: Limit = 50) -> Page[TagRow]:
    """List the tags of a workflow by name."""
    rows = await tags.page(session, workflow, after=last, limit=limit + 1)
    return page(session, rows, limit, key=lambda row: row.tag)


@router.put(
    "/tags/{tag}",
    response_model=TagOut,
    responses=BODY_PROBLEMS,
    openapi_extra=described(TagIn, example={"version": 1}),
)
async def put_tag(
    tag: Tag, wanted: Annotated[TagIn, Depends(body(TagIn))], workflow: Locked, session: Session
) -> TagRow:
    """Let a tag name a version."""
    return await tags.put(session, workflow, tag, wanted.version)


@router.delete("/tags/{tag}", status_code=204)
async def delete_tag(workflow: Locked, tag: Tag, session: Session) -> None:
    """Forget a tag; its version stays."""
    await tags.remove(session, workflow, tag)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"description": "The definition", "content": {"application/json": {}, "application/yaml": {}}}},
)
async def export_workflow(
    workflow: Found, session: Session, format: Literal["json", "yaml"] = "yaml", version: Selector = None
) -> Response:
    """Read a definition as a file: the draft, or a version of it."""
    return await export(session, workflow, format=format, version=version)
