"""Stored outputs of activities: listed, read, put there, taken away."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.bodies import BODY_PROBLEMS
from api.cache.asking import WARM_BODY, LastOutput, OutputId, Warm, certainly_which, which
from api.cache.shapes import CachedOut, CachedValueOut, RemovedOut
from api.cache.warming import warmed, with_value
from api.dependencies import ActivityTypes, Session
from api.json_answers import answer
from api.paging import Limit, PageOut, page
from api.problems import responses
from store import cached_outputs
from store.cached_outputs import AT_ONCE, Which

router = APIRouter(prefix="/cache", tags=["cache"])


@router.get("", response_model=PageOut[CachedOut])
async def list_cached_outputs(
    session: Session, wanted: Annotated[Which, Depends(which)], last: LastOutput, limit: Limit = 50
) -> Response:
    """List the outputs that nodes use again, the newest first."""
    rows = await cached_outputs.page(session, wanted, before=last, limit=limit + 1)
    return answer(page(session, rows, limit, key=lambda row: (row.stored_at, row.id)))


@router.post(
    "",
    status_code=201,
    response_model=CachedOut,
    responses={**BODY_PROBLEMS, **responses(404, 409)},
    openapi_extra=WARM_BODY,
)
async def warm_cache(asked: Warm, session: Session, types: ActivityTypes) -> Response:
    """Store an output for a node of a workflow: it uses it as if an execution had made it."""
    return await warmed(session, types, asked)


@router.delete("", response_model=RemovedOut)
async def remove_cached_outputs(wanted: Annotated[Which, Depends(certainly_which)], session: Session) -> RemovedOut:
    """Take away the outputs that are meant: their nodes run again the next time."""
    removed = await cached_outputs.remove_all(session, wanted)
    return RemovedOut(removed=removed, more=removed == AT_ONCE)


@router.get("/{output}", response_model=CachedValueOut, responses=responses(404))
async def read_cached_output(output: OutputId, session: Session) -> Response:
    """Read a stored output with what it is."""
    return with_value(await cached_outputs.find(session, output))


@router.delete("/{output}", status_code=204, responses=responses(404))
async def remove_cached_output(output: OutputId, session: Session) -> None:
    """Take one away."""
    await cached_outputs.remove(session, output)
