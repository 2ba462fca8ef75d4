"""Which executions are to be rebuilt: those that are named, or all that our tables or Temporal know."""

from collections.abc import AsyncGenerator
from contextlib import suppress

from temporalio.client import Client

from dag.concurrency import GATE
from dag.strands import strand_id
from runtime.rebuilding import Asked
from store import execution_ids, tenants
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.session import session
from worker.healing import Forgotten, describe

PAGE = 200


async def candidates(
    client: Client, database: Database, asked: Asked
) -> AsyncGenerator[tuple[TenantId | None, ExecutionId]]:
    """Those that are asked for, each with its tenant; None where nobody knows it."""
    every = await tenants.every(database)
    if asked.tenant is not None:
        every = [tenant for tenant in every if tenant == asked.tenant]
    if not asked.all:
        for id in dict.fromkeys(asked.executions):
            yield await _owner(client, database, every, ExecutionId(id)), ExecutionId(id)
        return
    for tenant in sorted(every):
        async for execution in _stored(database, tenant, asked.workflow):
            yield tenant, execution
        async for execution in _lost(client, database, tenant, asked.workflow):
            yield tenant, execution


async def _owner(client: Client, database: Database, every: list[TenantId], execution: ExecutionId) -> TenantId | None:
    """Whose it is: as our tables say, and if they have lost it, as Temporal does."""
    for tenant in every:
        async with session(database, tenant) as opened:
            if await execution_ids.known(opened, [execution]):
                return tenant
    for tenant in every:
        with suppress(Forgotten):
            await describe(client, tenant, execution)
            return tenant
    return None


async def _stored(database: Database, tenant: TenantId, workflow: str | None) -> AsyncGenerator[ExecutionId]:
    last = ""
    while True:
        async with session(database, tenant) as opened:
            page = await execution_ids.after(opened, last, workflow=workflow, limit=PAGE)
        for execution in page:
            yield execution
        if len(page) < PAGE:
            return
        last = page[-1]


async def _lost(
    client: Client, database: Database, tenant: TenantId, workflow: str | None
) -> AsyncGenerator[ExecutionId]:
    """Those that Temporal has and our tables have not."""
    query = f'WorkflowId STARTS_WITH "{tenant}/"' + ("" if workflow is None else f' AND WorkflowType = "{workflow}"')
    page: set[ExecutionId] = set()
    async for found in client.list_workflows(query):
        whose = strand_id(found.id)
        if not whose.strand and whose.execution not in ("", GATE):
            page.add(ExecutionId(whose.execution))
        if len(page) == PAGE:
            for execution in await _unknown(database, tenant, page):
                yield execution
            page = set()
    for execution in await _unknown(database, tenant, page):
        yield execution


async def _unknown(database: Database, tenant: TenantId, page: set[ExecutionId]) -> list[ExecutionId]:
    async with session(database, tenant) as opened:
        return sorted(page - await execution_ids.known(opened, page))
