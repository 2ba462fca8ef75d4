"""Events: sent to all who wait for them, listed."""

from fastapi import APIRouter, Response

from api.bodies import BODY_PROBLEMS
from api.dependencies import Caller, Means, Session
from api.events.asking import EVENT_BODY, SENT, Event, EventKey, LastEvent
from api.events.sending import send, sent
from api.events.shapes import EmittedOut, ListedEventOut
from api.json_answers import answer
from api.paging import Limit, PageOut, page
from api.problems import responses
from store import emitted_events

router = APIRouter(prefix="/events", tags=["events"], responses=responses(401, 429))


@router.post(
    "",
    status_code=202,
    response_model=EmittedOut,
    responses={**SENT, **BODY_PROBLEMS, **responses(409)},
    openapi_extra=EVENT_BODY,
)
async def emit_event(asked: Event, means: Means, caller: Caller, idempotency_key: EventKey = None) -> Response:
    """Send an event to every execution that waits for it, or will and looks back so far."""
    return sent(await send(means, caller.tenant, asked, key=idempotency_key))


@router.get("", response_model=PageOut[ListedEventOut])
async def list_emitted_events(session: Session, last: LastEvent, limit: Limit = 50) -> Response:
    """List the events that were sent, by requests and by executions, the newest first."""
    rows = await emitted_events.page(session, after=last, limit=limit + 1)
    return answer(page(session, rows, limit, key=lambda row: (row.at, row.id)))
