"""Tasks: what is asked of people, and what they decide."""

from fastapi import APIRouter, Response

from api.bodies import BODY_PROBLEMS
from api.dependencies import Caller, Means
from api.problems import responses
from api.tasks.asking import DECISION_BODY, Decision, DecisionKey, Place
from api.tasks.deciding import decided
from api.tasks.reading import detail
from api.tasks.shapes import DecidedOut, TaskOut

router = APIRouter(prefix="/tasks", tags=["tasks"], responses=responses(401, 429))


@router.get("/{task}", response_model=TaskOut, responses=responses(404))
async def read_task(means: Means, caller: Caller, place: Place) -> Response:
    """Read a task."""
    return await detail(means, caller.tenant, place)


@router.post(
    "/{task}/decide",
    response_model=DecidedOut,
    responses={**BODY_PROBLEMS, **responses(403, 404, 409)},
    openapi_extra=DECISION_BODY,
)
async def decide_task(
    asked: Decision, means: Means, caller: Caller, place: Place, idempotency_key: DecisionKey = None
) -> Response:
    """Say what somebody decides. Repeated, it is answered as it was; once the task has ended, another is refused with
    how it ended."""
    return await decided(means, caller, place, asked, key=idempotency_key)
