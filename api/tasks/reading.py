"""Reads a task where it is asked."""

from dataclasses import asdict

from fastapi import Response
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.json_answers import answer
from api.means import Means
from api.problems import TemporalUnavailable
from api.temporal_patience import soon
from dag.task_ids import TaskPlace
from dag.task_messages import TASK, Task
from dag.task_refusals import TaskUnknown
from store.ids import TenantId


async def detail(means: Means, tenant: TenantId, place: TaskPlace) -> Response:
    """Read it. Raises TaskUnknown."""
    client = await means.temporal.client()
    handle = client.get_workflow_handle(f"{tenant}/{place.execution}")
    try:
        found = await soon(handle.query(TASK, place.path, result_type=Task))
    except RPCError as silence:
        match silence.status:
            case RPCStatusCode.NOT_FOUND:
                raise TaskUnknown from None
            case RPCStatusCode.FAILED_PRECONDITION:  # no worker has asked for work for a while
                raise TemporalUnavailable("No worker runs that could tell.") from None
            case _:
                raise
    except WorkflowQueryFailedError:  # an execution of a version that did not ask people
        raise TaskUnknown from None
    if found is None or found.attempt != place.attempt:
        raise TaskUnknown
    return answer({**asdict(found), "execution": place.execution})
