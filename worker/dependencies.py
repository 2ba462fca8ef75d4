"""Executions that wait until other workflows have succeeded: they ask, and are told when it is worth asking again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dag.dependencies import AWAIT, SUCCEEDED, Awaiting, Success
from dag.strands import StrandId
from runtime.patience import patiently
from store import dependencies
from store.database import Database, StoreUnavailable
from store.ids import ExecutionId, TenantId
from store.session import session
from worker.own_attempt import own_attempt, whose

WOKEN = 1_000
"""Executions that one pass tells again."""

Activity = Callable[..., Awaitable[object]]
Wake = Callable[[TenantId, Sequence[str]], None]

logger = logging.getLogger("perdure.dependencies")


def dependency_activities(database: Database) -> Sequence[Activity]:
    """Make the activities."""

    @activity.defn(name=AWAIT)
    async def ask(asked: Awaiting) -> list[str]:
        """Wait for workflows to succeed; gives the names of those that have not."""
        async with own_attempt(asked.path):
            return await patiently(lambda: _unmet(database, asked))

    return [ask]


def waking(client: Client, database: Database) -> Wake:
    """Make what is told of executions that have succeeded, and tells those who wait, while others go on. What gets lost
    on the way is made good by the pass that mends journals."""
    under_way: set[asyncio.Task[None]] = set()

    async def wake_all(tenant: TenantId, succeeded: Sequence[str]) -> None:
        try:
            async with session(database, tenant) as opened:
                waiting = await dependencies.waiting_for(opened, succeeded)
            await _tell(client, tenant, waiting)
        except (RPCError, StoreUnavailable) as silence:
            logger.warning("Who waits for a workflow of %s cannot be told now: %s", tenant, type(silence).__name__)

    def wake(tenant: TenantId, succeeded: Sequence[str]) -> None:
        task = asyncio.create_task(wake_all(tenant, succeeded))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    return wake


async def look_after_dependencies(client: Client, database: Database, tenant: TenantId) -> None:
    """Do a tenant's part of a pass: tell again who may run. Raises StoreUnavailable, RPCError."""
    async with session(database, tenant) as opened:
        await dependencies.remove_closed(opened)
        waiting = await dependencies.to_wake(opened, limit=WOKEN)
    await _tell(client, tenant, waiting)


async def _unmet(database: Database, asked: Awaiting) -> list[str]:
    tenant, execution = whose()
    async with session(database, tenant) as opened:
        await dependencies.wait(opened, execution, asked.awaited)
    async with session(database, tenant) as opened:
        lacking = await dependencies.unmet(opened, asked.awaited)
        if not lacking:
            await dependencies.wait_no_longer(opened, execution)
    return lacking


async def _tell(client: Client, tenant: TenantId, waiting: Sequence[ExecutionId]) -> None:
    for execution in waiting:
        try:
            await client.get_workflow_handle(str(StrandId(tenant, execution))).signal(SUCCEEDED, Success())
        except RPCError as gone:
            if gone.status != RPCStatusCode.NOT_FOUND:
                raise
