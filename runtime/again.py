"""Has executions go on that have ended: a further attempt is a new run under the same workflow id."""

from dataclasses import dataclass, replace
from typing import Literal

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from dag.again import Again
from dag.errors import PerdureError
from dag.plan import Plan, PlanGraph
from dag.strands import StrandId
from dag.sub_workflows import Parent
from interpreter.plans import decoded
from runtime.executions import Begun, begun, origin_of, request_in, start
from runtime.starting import settings_read
from store import executions
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.node_run_reading import NodeRunUnknown
from store.session import session


class ExecutionOpen(PerdureError):
    """The execution has not ended, or somebody has it go on just now."""

    code = "execution.open"


class ExecutionSucceeded(PerdureError):
    """The execution has succeeded: there is nothing to try again. A rerun begins in its middle."""

    code = "execution.succeeded"


class TooOld(PerdureError):
    """Temporal keeps the history of the execution no longer: what its nodes did exactly is not known any more, and
    nothing is repeated on a guess. Start it anew."""

    code = "execution.too_old"


@dataclass(frozen=True)
class Asked:
    """What somebody wants of an execution that has ended."""

    kind: Literal["retry", "rollback"]
    by: str
    reason: str | None = None
    to: str | None = None
    """With `rollback`, the node to go back to."""
    parent: Parent | None = None
    """Who waits for its end from now on; None: whoever did before."""


@dataclass(frozen=True)
class Source:
    """An execution that has ended, as Temporal has it in its history."""

    described: WorkflowExecutionDescription
    begun: Begun

    @property
    def plan(self) -> Plan:
        """The version that it ran."""
        return decoded(self.begun.plan.payload.data)


async def go_on(
    client: Client, database: Database, tenant: TenantId, id: ExecutionId, asked: Asked, *, queue: str
) -> int:
    """Begin another attempt at an execution; gives its number. Of several that ask at once, one has its way. Raises
    ExecutionUnknown, ExecutionOpen, ExecutionSucceeded, TooOld, NodeRunUnknown, RPCError."""
    async with session(database, tenant) as s:
        await executions.attempt(s, id)
        if not await executions.hold(s, id):
            raise ExecutionOpen
        found = await source(client, tenant, id)
        if found.described.status is WorkflowExecutionStatus.COMPLETED and asked.kind == "retry":
            raise ExecutionSucceeded
        plan, before = found.plan, found.begun.start
        nodes = () if asked.to is None else (asked.to,)
        again = Again(
            asked.kind,
            id,
            found.described.run_id,
            asked.by,
            asked.reason,
            nodes,
            downstream(plan.graph, nodes),
            vars={} if before.again is None else before.again.vars,
        )
        attempt = before.attempt + 1
        begin = replace(
            before,
            attempt=attempt,
            # A test is one again, with all that stands in for the world; its settings are among that.
            env=before.env if before.test is not None else await settings_read(s, plan),
            parent=asked.parent or before.parent,
            again=again,
            awaits=(),
        )
        try:
            await start(
                client,
                plan,
                begin,
                tenant=tenant,
                execution=id,
                queue=queue,
                request=await request_in(found.described),
                origin=await origin_of(found.described),
            )
        except WorkflowAlreadyStartedError:
            raise ExecutionOpen from None
        await executions.reopen(s, id, attempt=attempt)
    return attempt


async def source(client: Client, tenant: TenantId, id: ExecutionId) -> Source:
    """An execution that has ended, all of whose history is there. Raises ExecutionOpen, TooOld, RPCError."""
    handle = client.get_workflow_handle(str(StrandId(tenant, id)))
    try:
        described = await handle.describe()
        if described.status is WorkflowExecutionStatus.RUNNING:
            raise ExecutionOpen
        found = await begun(client, client.get_workflow_handle(handle.id, run_id=described.run_id))
        if found.first_run != described.run_id:
            await client.get_workflow_handle(handle.id, run_id=found.first_run).describe()
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        raise TooOld from None
    return Source(described, found)


def downstream(graph: PlanGraph, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Nodes of a graph, and all that come after them, in written order. Raises NodeRunUnknown."""
    for id in ids:
        if id not in graph.place:
            raise NodeRunUnknown(f"There is no node `{id}` in the workflow's own graph.")
    left = [graph.place[id] for id in ids]
    found = set(left)
    while left:
        for edge in graph.outgoing[left.pop()]:
            target = graph.edges[edge].target
            if target not in found:
                found.add(target)
                left.append(target)
    return tuple(graph.nodes[place].id for place in sorted(found))
