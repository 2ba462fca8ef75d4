"""Asks why a condition held or did not; a worker replays the execution to find out."""

import asyncio
import hashlib
from dataclasses import asdict
from datetime import timedelta

from fastapi import Response
from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy

from api.json_answers import answer
from api.means import Means
from api.problems import TemporalUnavailable
from dag.strands import StrandId
from dag.why import WHY, Answer, Asking, Because, ConditionMissing, ConditionNotAsked, ReplayTooLong
from runtime.again import TooOld
from store import executions
from store.ids import ExecutionId, TenantId
from store.node_run_reading import NodeRunUnknown
from store.session import session

PATIENCE = timedelta(seconds=30)

_REFUSALS = {each.code: each for each in (ConditionMissing, ConditionNotAsked, ReplayTooLong, TooOld, NodeRunUnknown)}


async def why(means: Means, tenant: TenantId, id: ExecutionId, *, path: str, turn: int | None) -> Response:
    """What was asked of a node, and why it came to what it did."""
    return answer({"id": id, "path": path, **asdict(await _because(means, tenant, id, path=path, turn=turn))})


async def _because(means: Means, tenant: TenantId, id: ExecutionId, *, path: str, turn: int | None) -> Because:
    """Raises ExecutionUnknown, what refuses it, TemporalUnavailable. Who asks the same at once shares one answer."""
    async with session(means.database, tenant) as s:
        await executions.attempt(s, id)
    client = await means.temporal.client()
    question = hashlib.sha256(f"{id}\n{turn}\n{path}".encode()).hexdigest()
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            told = await client.execute_workflow(
                WHY,
                Asking(id, path, turn),
                id=str(StrandId(tenant, WHY, question)),
                task_queue=means.settings.queue,
                result_type=Answer,
                execution_timeout=PATIENCE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
    except (TimeoutError, WorkflowFailureError):
        raise TemporalUnavailable("No worker could replay the execution in time.") from None
    if told.because is None:
        raise _REFUSALS[told.refused or TooOld.code]
    return told.because
