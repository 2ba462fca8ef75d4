"""Executions: held at breakpoints, stepped through, looked into."""

from fastapi import APIRouter, Response

from api.dependencies import Caller, Means
from api.executions.asking import Id
from api.executions.control_asking import (
    BREAKPOINT_BODY,
    REASON_BODY,
    STEERED,
    STEP_BODY,
    BreakpointNode,
    BreakpointSet,
    Explained,
    Graph,
    MostNodes,
    SteeringKey,
    Step,
    Turn,
    Why,
)
from api.executions.control_shapes import InsideOut, ScopesOut, SteeredOut
from api.executions.explaining import why
from api.executions.steering_answers import breakpoint_set, state, steered, variables
from api.executions.why_shapes import WhyOut
from api.problems import responses
from dag.steering import Clear, Disable, Enable, StepOn

router = APIRouter(
    prefix="/workflows/executions/{execution}/debug", tags=["debugging"], responses=responses(401, 404, 429)
)


@router.post("/enable", response_model=SteeredOut, responses=STEERED, openapi_extra=REASON_BODY)
async def enable_debugging(
    asked: Why, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Heed breakpoints."""
    return await steered(means, caller, id, Enable(), reason=asked.reason, key=idempotency_key)


@router.post("/disable", response_model=SteeredOut, responses=STEERED, openapi_extra=REASON_BODY)
async def disable_debugging(
    asked: Why, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Heed none, and go on where one holds the execution. They are kept."""
    return await steered(means, caller, id, Disable(), reason=asked.reason, key=idempotency_key)


@router.post("/step", response_model=SteeredOut, responses=STEERED, openapi_extra=STEP_BODY)
async def step_on(asked: Step, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None) -> Response:
    """Start one node of a paused execution, and hold before the next."""
    return await steered(means, caller, id, StepOn(asked.mode), reason=asked.reason, key=idempotency_key)


@router.post("/breakpoint", response_model=SteeredOut, responses=STEERED, openapi_extra=BREAKPOINT_BODY)
async def set_breakpoint(
    asked: BreakpointSet, means: Means, caller: Caller, id: Id, idempotency_key: SteeringKey = None
) -> Response:
    """Set a breakpoint, in place of another at the same node; breakpoints are heeded from then on."""
    return await breakpoint_set(means, caller, id, asked, key=idempotency_key)


@router.delete("/breakpoint/{node_id}", response_model=SteeredOut, responses=responses(409))
async def clear_breakpoint(
    means: Means, caller: Caller, id: Id, node: BreakpointNode, idempotency_key: SteeringKey = None
) -> Response:
    """Take a breakpoint away. One that holds the execution lets it go on with `resume`."""
    return await steered(means, caller, id, Clear(node), key=idempotency_key)


@router.get("/state", response_model=InsideOut)
async def read_debug_state(means: Means, caller: Caller, id: Id, path: Graph = "", limit: MostNodes = 200) -> Response:
    """Read which graphs run, how their nodes stand, and what starts next."""
    return await state(means, caller.tenant, id, path=path, limit=limit)


@router.get("/variables", response_model=ScopesOut)
async def read_variables(means: Means, caller: Caller, id: Id, path: Graph = "") -> Response:
    """Read the variables and names that are seen in a graph that runs, the innermost first."""
    return await variables(means, caller.tenant, id, path=path)


@router.get("/why", response_model=WhyOut, responses=responses(409))
async def explain_condition(means: Means, caller: Caller, id: Id, path: Explained, turn: Turn = None) -> Response:
    """Say why the conditions of a node held or did not: each part with the value that it had."""
    return await why(means, caller.tenant, id, path=path, turn=turn)
