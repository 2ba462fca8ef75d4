"""Tickets: for browsers, which cannot send a key when they open a stream."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.bodies import BODY_PROBLEMS, INPUT, body, described
from api.dependencies import Caller, Session
from api.json_answers import answer
from api.problems import responses
from api.tickets.giving import given
from api.tickets.shapes import TicketIn, TicketOut

router = APIRouter(prefix="/tickets", tags=["tickets"])


@router.post(
    "",
    status_code=201,
    response_model=TicketOut,
    responses={**BODY_PROBLEMS, **responses(404)},
    openapi_extra=described(TicketIn),
)
async def make_ticket(
    asked: Annotated[TicketIn, Depends(body(TicketIn, limits=INPUT))], session: Session, caller: Caller
) -> Response:
    """Make a ticket that opens one stream, once, within 30 seconds."""
    return answer(await given(session, caller, asked), 201)
