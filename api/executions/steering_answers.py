"""Answers about executions that are steered and debugged."""

from dataclasses import asdict

from fastapi import Response
from pydantic import JsonValue

from api.executions.breakpoints import breakpoint_of
from api.executions.control_shapes import BreakpointIn
from api.executions.steering import inside, scopes, steer
from api.json_answers import answer
from api.means import Means
from dag.steering import Act, Set
from store.ids import ExecutionId, TenantId
from store.tenants import Holder


async def steered(
    means: Means, caller: Holder, id: ExecutionId, act: Act, *, reason: str | None = None, key: str | None = None
) -> Response:
    """How an execution stands after what was asked of it."""
    return answer({"id": id, **asdict(await steer(means, caller, id, act, reason=reason, key=key))})


async def breakpoint_set(
    means: Means, caller: Holder, id: ExecutionId, asked: BreakpointIn, *, key: str | None
) -> Response:
    """The same after a breakpoint was set."""
    return await steered(means, caller, id, Set(breakpoint_of(asked)), reason=asked.reason, key=key)


async def state(means: Means, tenant: TenantId, id: ExecutionId, *, path: str, limit: int) -> Response:
    """Where an execution stands, graph by graph."""
    return answer({"id": id, **asdict(await inside(means, tenant, id, path=path, limit=limit))})


async def variables(means: Means, tenant: TenantId, id: ExecutionId, *, path: str) -> Response:
    """What is seen at one place."""
    found: list[JsonValue] = [asdict(scope) for scope in await scopes(means, tenant, id, path=path)]
    return answer({"scopes": found})
