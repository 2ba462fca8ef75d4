"""Asks Temporal whether workers ask for work."""

import time
from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client

KINDS = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
_PATIENCE = timedelta(seconds=3)
_RECENT = 75.0
"""Seconds. A worker's poll lasts up to 60, and only its beginning is seen."""


async def polled(client: Client, queue: str, kind: "TaskQueueType.ValueType") -> bool:
    """Whether a worker has asked for work of a queue lately. Raises RPCError."""
    return recent(await described(client, queue, kind)) > 0


async def described(
    client: Client, queue: str, kind: "TaskQueueType.ValueType", *, stats: bool = False
) -> DescribeTaskQueueResponse:
    """What Temporal says of one of the two halves of a queue. Raises RPCError."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_stats=stats
    )
    return await client.workflow_service.describe_task_queue(request, timeout=_PATIENCE)


def recent(described: DescribeTaskQueueResponse) -> int:
    """How many workers have asked for work of a queue lately."""
    since = time.time() - _RECENT
    return sum(poller.last_access_time.seconds > since for poller in described.pollers)
