"""The activities by which executions come to gates and leave, and by which gates look after those inside. Each may be
run any number of times, and waits for the database as long as that is away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from dag.concurrency import ARRIVE, ENTER, GATE, GONE, LEAVE, LEFT, Arrival, Entering, Leaving
from dag.event_names import canonical
from dag.strands import StrandId
from runtime.gone import unless_gone
from runtime.patience import patiently
from store.database import Database
from store.session import session
from worker.gate import Gate
from worker.own_attempt import own_attempt, whose

AT_ONCE = 20
"""Executions that are asked after at once."""
OPEN = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)

Activity = Callable[..., Awaitable[object]]


def gate_activities(client: Client, database: Database) -> Sequence[Activity]:
    """Make the activities."""

    @activity.defn(name=ENTER)
    async def enter(asked: Entering) -> str:
        """Come to the gate; gives its workflow id."""
        async with own_attempt(asked.path):
            gate = await patiently(lambda: _gate_id(database, asked))
            info = activity.info()
            arrival = Arrival(str(info.workflow_id), asked.limit, asked.on_limit)
            await client.start_workflow(
                Gate.run,
                id=gate,
                task_queue=info.task_queue,
                start_signal=ARRIVE,
                start_signal_args=[arrival],
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            return gate

    @activity.defn(name=LEAVE)
    async def leave(asked: Leaving) -> None:
        """Make room."""
        async with own_attempt(asked.path):
            with unless_gone():
                await client.get_workflow_handle(asked.gate).signal(LEFT, str(activity.info().workflow_id))

    @activity.defn(name=GONE)
    async def gone(executions: list[str]) -> list[str]:
        """Ask which executions have ended."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def has_ended(execution: str) -> bool:
            async with slots:
                try:
                    return (await client.get_workflow_handle(execution).describe()).status not in OPEN
                except RPCError as unknown:
                    if unknown.status != RPCStatusCode.NOT_FOUND:
                        raise
                    return True

        ended = await asyncio.gather(*map(has_ended, executions))
        return [execution for execution, is_over in zip(executions, ended, strict=True) if is_over]

    return [enter, leave, gone]


async def _gate_id(database: Database, asked: Entering) -> str:
    """What a key says is nobody's business: it stands in the id as a digest that only the tenant's key makes."""
    tenant, _ = whose()
    async with session(database, tenant) as opened:
        *_, oldest = opened.seal.digests(canonical([asked.workflow, asked.key]))  # it stays while keys are replaced
    return str(StrandId(tenant, GATE, f"{asked.workflow}/{oldest.hex()}"))
