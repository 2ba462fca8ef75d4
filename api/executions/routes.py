"""Executions: started, listed, read, signalled."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api.bodies import BODY_PROBLEMS, INPUT, body, described
from api.dependencies import Caller, Means, Session
from api.events.asking import SENT, EventKey
from api.events.shapes import EmittedOut
from api.executions import answers
from api.executions.asking import Asked, Attempt, Id, Key, NodePath, Place, Since, Wait
from api.executions.control_asking import REASON_BODY, SIGNAL_BODY, Signalled, Why
from api.executions.going_on import retried, rolled_back
from api.executions.node_asking import NodeFilters
from api.executions.shapes import (
    EventOut,
    ExecutionOut,
    ListedOut,
    NodeRunDetailOut,
    NodeRunOut,
    RerunIn,
    RollbackIn,
    StartIn,
    UsageOut,
    WaitOut,
)
from api.executions.waiting import waiting
from api.json_answers import answer
from api.paging import Limit, Page, PageOut, after, page, page_up_to
from api.problems import responses
from api.workflows.found import Reference
from store import events, execution_search, executions, node_run_reading, node_run_records

_STARTED_BEFORE = {"Idempotency-Replayed": {"description": "It was started before.", "schema": {"const": "true"}}}
_ADDRESS = {"Location": {"description": "The address of the execution.", "schema": {"type": "string"}}}


def _says(description: str, **headers: Any) -> dict[str, Any]:
    return {"model": ExecutionOut, "description": description, **({"headers": headers} if headers else {})}


_STARTS: dict[int | str, dict[str, Any]] = {
    200: _says("It has ended, or was started before", **_ADDRESS, **_STARTED_BEFORE),
    201: _says("It was started", **_ADDRESS),
    202: _says("It has not ended yet", **_ADDRESS, **_STARTED_BEFORE),
    **BODY_PROBLEMS,
    **responses(404, 409),
}

router = APIRouter(prefix="/workflows", tags=["executions"], responses=responses(401, 429))

LastPlace = Annotated[Place | None, Depends(after(Place))]
LastNumber = Annotated[int | None, Depends(after(int))]


@router.post(
    "/{workflow}/executions",
    status_code=201,
    response_model=ExecutionOut,
    responses=_STARTS,
    openapi_extra=described(StartIn),
)
async def start_execution(
    asked: Annotated[StartIn, Depends(body(StartIn, limits=INPUT))],
    means: Means,
    caller: Caller,
    workflow: Reference,
    idempotency_key: Key = None,
    wait: Wait = None,
) -> Response:
    """Start an execution of a published version, and wait for its end if that is asked for."""
    return await answers.started(means, caller, workflow, asked, key=idempotency_key, wait=wait)


@router.get("/executions", response_model=PageOut[ListedOut])
async def list_executions(session: Session, filters: Asked, last: LastPlace, limit: Limit = 50) -> Response:
    """List executions, the newest first. Where what is asked for is rare among many, a page may hold fewer than
    `limit`, even none: while there is a `next`, the list goes on."""
    found = await execution_search.some(session, filters, after=last, limit=limit)
    return answer(page_up_to(session, found.rows, found.next))


@router.get("/executions/{execution}", response_model=ExecutionOut, responses=responses(404))
async def read_execution(means: Means, caller: Caller, id: Id) -> Response:
    """Read an execution."""
    return await answers.detail(means, caller.tenant, id)


@router.get("/executions/{execution}/nodes", response_model=PageOut[NodeRunOut], responses=responses(404))
async def list_node_runs(
    session: Session, id: Id, filters: NodeFilters, last: LastNumber, attempt: Attempt = None, limit: Limit = 50
) -> Response:
    """List the node runs of an attempt at an execution, as they began."""
    number = await executions.attempt(session, id, attempt)
    rows = await node_run_reading.page(session, id, filters, attempt=number, after=last or 0, limit=limit + 1)
    return answer(page(session, rows, limit, key=lambda row: row.seq))


@router.get("/executions/{execution}/nodes/{path}", response_model=NodeRunDetailOut, responses=responses(404))
async def read_node_run(session: Session, id: Id, path: NodePath, attempt: Attempt = None) -> Response:
    """Read a node run of an attempt at an execution, with how each of its own attempts ended."""
    number = await executions.attempt(session, id, attempt)
    return answer(await node_run_reading.detail(session, id, path, attempt=number))


@router.get("/executions/{execution}/usage", response_model=UsageOut, responses=responses(404))
async def read_usage(session: Session, id: Id, attempt: Attempt = None) -> Response:
    """Read what all attempts at the nodes of an execution have computed and used up so far."""
    number = await executions.attempt(session, id, attempt)
    return answer(await node_run_records.usage(session, id, attempt=number))


@router.get("/executions/{execution}/events", response_model=PageOut[EventOut], responses=responses(404))
async def list_events(session: Session, id: Id, last: LastNumber, since: Since = 0, limit: Limit = 100) -> Response:
    """List what happened, in order, after the event `since`. There may be more later: go on with the last `seq`."""
    await executions.attempt(session, id)
    rows = await events.page(session, id, since=max(since, last or 0), limit=limit + 1)
    return answer(page(session, rows, limit, key=lambda row: row.seq))


@router.get("/executions/{execution}/waiting", response_model=PageOut[WaitOut], responses=responses(404))
async def list_waits(means: Means, caller: Caller, id: Id) -> Response:
    """List what an execution waits for now, and why it does not move; 500 things at most."""
    return answer(Page(await waiting(means, caller.tenant, id), None))


_GOES_ON: dict[int | str, dict[str, Any]] = {
    200: _says("It has ended again"),
    202: _says("It goes on"),
    **BODY_PROBLEMS,
    **responses(404, 409),
}


@router.post(
    "/executions/{execution}/retry",
    status_code=202,
    response_model=ExecutionOut,
    responses=_GOES_ON,
    openapi_extra=REASON_BODY,
)
async def retry_execution(asked: Why, means: Means, caller: Caller, id: Id, wait: Wait = None) -> Response:
    """Go on with an execution that has failed, was cancelled or took too long. What has succeeded is not run again."""
    return await answers.gone_on(means, caller.tenant, await retried(means, caller, id, asked), wait=wait)


@router.post(
    "/executions/{execution}/rollback",
    status_code=202,
    response_model=ExecutionOut,
    responses=_GOES_ON,
    openapi_extra=described(RollbackIn, example={"to": "charge"}),
)
async def roll_back_execution(
    asked: Annotated[RollbackIn, Depends(body(RollbackIn))], means: Means, caller: Caller, id: Id, wait: Wait = None
) -> Response:
    """Undo what a node and all after it did, then run them again, in an execution that has ended."""
    return await answers.gone_on(means, caller.tenant, await rolled_back(means, caller, id, asked), wait=wait)


@router.post(
    "/executions/{execution}/rerun",
    status_code=201,
    response_model=ExecutionOut,
    responses=_STARTS,
    openapi_extra=described(RerunIn, example={"from": ["charge"]}),
)
async def rerun_execution(
    asked: Annotated[RerunIn, Depends(body(RerunIn, limits=INPUT))],
    means: Means,
    caller: Caller,
    id: Id,
    idempotency_key: Key = None,
    wait: Wait = None,
) -> Response:
    """Start an execution in the middle of another one, whose nodes before that are reused. That one stays as it is."""
    return await answers.rerun(means, caller, id, asked, key=idempotency_key, wait=wait)


@router.post(
    "/executions/{execution}/signal",
    status_code=202,
    response_model=EmittedOut,
    responses={**SENT, **BODY_PROBLEMS, **responses(404, 409)},
    openapi_extra=SIGNAL_BODY,
)
async def signal_execution(
    asked: Signalled, means: Means, caller: Caller, id: Id, idempotency_key: EventKey = None
) -> Response:
    """Send an event to one execution. It can be waited for already, or be looked back to later."""
    return await answers.signalled(means, caller, id, asked, key=idempotency_key)
