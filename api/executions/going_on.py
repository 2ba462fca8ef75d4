"""Has executions go on that have ended, one function a verb."""

from api.executions.shapes import ReasonIn, RollbackIn
from api.executions.starting import name_of
from api.means import Means
from api.temporal_patience import soon
from runtime.again import Asked, go_on
from store import executions
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session
from store.tenants import Holder


async def retry(means: Means, tenant: TenantId, id: ExecutionId, *, by: str, reason: str | None) -> Execution:
    """Try again what has failed, was cancelled or took too long. Raises as `go_on` does."""
    return await _gone_on(means, tenant, id, Asked("retry", by, reason))


async def roll_back(
    means: Means, tenant: TenantId, id: ExecutionId, *, to: str, by: str, reason: str | None
) -> Execution:
    """Undo what a node and those after it did, then run them again. Raises as `go_on` does."""
    return await _gone_on(means, tenant, id, Asked("rollback", by, reason, to=to))


async def retried(means: Means, caller: Holder, id: ExecutionId, asked: ReasonIn) -> Execution:
    """The same, as a request asks for it."""
    return await retry(means, caller.tenant, id, by=await name_of(means, caller), reason=asked.reason)


async def rolled_back(means: Means, caller: Holder, id: ExecutionId, asked: RollbackIn) -> Execution:
    """The same, as a request asks for it."""
    by = await name_of(means, caller)
    return await roll_back(means, caller.tenant, id, to=asked.to, by=by, reason=asked.reason)


async def _gone_on(means: Means, tenant: TenantId, id: ExecutionId, asked: Asked) -> Execution:
    client = await means.temporal.client()
    await soon(go_on(client, means.database, tenant, id, asked, queue=means.settings.queue))
    async with session(means.database, tenant) as s:
        return await executions.find(s, id)
