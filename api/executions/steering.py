"""Brings what somebody asks of a running execution to the strand that it concerns, and looks into it."""

import hashlib
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.executions.cancelling import closed
from api.executions.starting import name_of
from api.means import Means
from api.problems import TemporalUnavailable
from api.temporal_patience import soon
from api.updates import answered
from dag.errors import PerdureError
from dag.limits import DEFAULTS
from dag.steering import LOOK_INSIDE, STEER, VARIABLES_SEEN, Act, Command, Edit, Inside, InsideOf, Scope, Skip, Steered
from dag.steering_refusals import REFUSALS, GraphUnknown, NodeUnknown
from dag.strands import StrandId, strands_of
from interpreter.outputs import OutputsTooLarge
from interpreter.sizes import PayloadTooLarge
from store import executions
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session
from store.tenants import Holder

_BY_CODE = {each.code: each for each in (*REFUSALS, PayloadTooLarge, OutputsTooLarge)}
Told = TypeVar("Told")


class SteeringUnheard(TemporalUnavailable):
    """The execution does not answer yet. With an Idempotency-Key it can be asked again: it is done once."""


async def steer(
    means: Means, caller: Holder, id: ExecutionId, act: Act, *, reason: str | None = None, key: str | None = None
) -> Steered:
    """Ask it of an execution. Raises ExecutionUnknown, ExecutionClosed, what refuses it, and SteeringUnheard."""
    found = await _open(means, caller.tenant, id)
    by = await name_of(means, caller)
    command = Command(_id(id, act, key), by, act, reason, reaches=True)
    client = await means.temporal.client()
    unknown: PerdureError | None = None
    for strand in _strands(client, caller.tenant, id, act.path if isinstance(act, Skip | Edit) else ""):
        try:
            return await answered(
                lambda strand=strand: _said(strand, command), refusals=_BY_CODE, unheard=SteeringUnheard
            )
        except (NodeUnknown, GraphUnknown) as refused:
            unknown = refused
        except RPCError as ended:
            if ended.status != RPCStatusCode.NOT_FOUND:
                raise
    raise unknown or closed(found)


async def inside(means: Means, tenant: TenantId, id: ExecutionId, *, path: str, limit: int) -> Inside:
    """Where an execution stands, or stood when it ended. Raises ExecutionUnknown."""
    async with session(means.database, tenant) as s:
        await executions.attempt(s, id)
    client = await means.temporal.client()
    for strand in _strands(client, tenant, id, path):
        told = await _looked(strand, LOOK_INSIDE, InsideOf(path, limit), Inside)
        if told is not None and (told.graphs or not path):
            return told
    raise GraphUnknown(f"No graph at `{path[:200]}` runs.")


async def scopes(means: Means, tenant: TenantId, id: ExecutionId, *, path: str) -> list[Scope]:
    """What is seen from a graph. Raises ExecutionUnknown, GraphUnknown."""
    async with session(means.database, tenant) as s:
        await executions.attempt(s, id)
    client = await means.temporal.client()
    for strand in _strands(client, tenant, id, path):
        told = await _looked(strand, VARIABLES_SEEN, path, list[Scope])
        if told is not None:
            return told
    raise GraphUnknown(f"No graph at `{path[:200]}` runs.")


async def _open(means: Means, tenant: TenantId, id: ExecutionId) -> Execution:
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
    if found.closed_at is not None:
        raise closed(found)
    return found


def _strands(client: Client, tenant: TenantId, id: ExecutionId, path: str) -> Iterator[WorkflowHandle[Any, Any]]:
    """Who may know of a path, the innermost first; what no path of a real node can name is cut off."""
    for name in islice(strands_of(path), DEFAULTS.levels + 1):
        yield client.get_workflow_handle(str(StrandId(tenant, id, name)))


async def _said(strand: WorkflowHandle[Any, Any], command: Command) -> Steered:
    return await strand.execute_update(  # pyright: ignore[reportUnknownMemberType] incomplete in the SDK
        STEER, command, id=command.id, result_type=Steered
    )


async def _looked(strand: WorkflowHandle[Any, Any], query: str, asked: object, type: type[Told]) -> Told | None:
    try:
        return await soon(strand.query(query, asked, result_type=type))
    except WorkflowQueryFailedError:
        raise TemporalUnavailable("The execution cannot be looked into now.") from None
    except RPCError as silence:
        match silence.status:
            case RPCStatusCode.NOT_FOUND:
                return None
            case RPCStatusCode.FAILED_PRECONDITION:  # no worker has asked for work for a while
                raise TemporalUnavailable("No worker runs that could tell.") from None
            case _:
                raise


def _id(execution: ExecutionId, act: Act, key: str | None) -> str:
    """With a key the same for the same request, so that repeating it is safe."""
    return uuid.uuid4().hex if key is None else hashlib.sha256(f"{execution}\n{act.do}\n{key}".encode()).hexdigest()
