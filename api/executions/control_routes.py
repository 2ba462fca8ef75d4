"""Executions: paused, resumed, cancelled, terminated, corrected; one or many at once."""

from fastapi import APIRouter, Response

from api.bodies import BODY_PROBLEMS
from api.dependencies import Caller, Means
from api.executions import answers
from api.executions.asking import Id, Wait
from api.executions.bulk import Verb, done_to_all
from api.executions.control_asking import (
    BULK_BODY,
    REASON_BODY,
    SKIP_BODY,
    STEERED,
    VARIABLES_BODY,
    Bulk,
    Edited,
    Skipped,
    SteeringKey,
    Why,
)
from api.executions.control_shapes import BulkOut, SteeredOut
from api.executions.shapes import ExecutionOut
from api.executions.steering_answers import steered
from api.problems import responses
from dag.steering import Edit, Pause, Resume, Skip

router = APIRouter(prefix="/workflows/executions", tags=["executions"], responses=responses(401, 429))


@router.post("/bulk/{verb}", response_model=BulkOut, responses={**BODY_PROBLEMS}, openapi_extra=BULK_BODY)
async def steer_executions(
    asked: Bulk, means: Means, caller: Caller, verb: Verb, idempotency_key: SteeringKey = None
) -> Response:
    """Do the same to many executions: 500 at most, with a result for each."""
    return await done_to_all(means, caller, verb, asked, key=idempotency_key)


@router.post("/{execution}/pause", response_model=SteeredOut, responses=STEERED, openapi_extra=REASON_BODY)
async def pause_execution(
    asked: Why, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Start no further node. What runs goes on, and so do clocks."""
    return await steered(means, caller, id, Pause(), reason=asked.reason, key=idempotency_key)


@router.post("/{execution}/resume", response_model=SteeredOut, responses=STEERED, openapi_extra=REASON_BODY)
async def resume_execution(
    asked: Why, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Go on with what was paused, or is held by the debugger."""
    return await steered(means, caller, id, Resume(), reason=asked.reason, key=idempotency_key)


@router.post(
    "/{execution}/cancel",
    status_code=202,
    response_model=ExecutionOut,
    responses={
        200: {"model": ExecutionOut, "description": "It has ended, cancelled"},
        202: {"model": ExecutionOut, "description": "It is about to end"},
        **STEERED,
    },
    openapi_extra=REASON_BODY,
)
async def cancel_execution(asked: Why, means: Means, caller: Caller, id: Id, wait: Wait = None) -> Response:
    """Cancel an execution. Once more changes nothing; one that has ended otherwise is refused."""
    return await answers.cancelled(means, caller, id, reason=asked.reason, wait=wait)


@router.post("/{execution}/terminate", response_model=ExecutionOut, responses=STEERED, openapi_extra=REASON_BODY)
async def terminate_execution(asked: Why, means: Means, caller: Caller, id: Id) -> Response:
    """End an execution at once: no `finally` runs, and nothing is undone."""
    return await answers.terminated(means, caller, id, reason=asked.reason)


@router.post("/{execution}/skip", response_model=SteeredOut, responses=STEERED, openapi_extra=SKIP_BODY)
async def skip_node(
    asked: Skipped, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Skip a node that has not started, or waits; one that runs is asked to stop."""
    return await steered(means, caller, id, Skip(asked.path), reason=asked.reason, key=idempotency_key)


@router.post("/{execution}/variables", response_model=SteeredOut, responses=STEERED, openapi_extra=VARIABLES_BODY)
async def edit_variables(
    asked: Edited, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Give variables other values."""
    return await steered(means, caller, id, Edit(asked.values, asked.path), reason=asked.reason, key=idempotency_key)
