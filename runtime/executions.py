"""Starts executions of the interpreter."""

from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority, RawValue

from dag.plan import Plan, encode
from interpreter.start import Start

TASK_TIMEOUT = timedelta(seconds=5)
"""After a worker dies with a workflow task in its hands, another has it so much later; Temporal's default is 10 s."""


async def start(
    client: Client, plan: Plan, begin: Start, *, tenant: str, execution: str, queue: str
) -> WorkflowHandle[Any, Any]:
    """Start one execution of a plan; its id is the workflow id's second part, and cannot be used twice."""
    return await client.start_workflow(
        plan.workflow,
        args=[begin, plan_payload(plan)],
        id=f"{tenant}/{execution}",
        task_queue=queue,
        task_timeout=TASK_TIMEOUT,
        static_summary=None if plan.title is None else plan.title[:100],
        priority=Priority(priority_key=plan.priority, fairness_key=tenant[:64]),
    )


def plan_payload(plan: Plan) -> RawValue:
    """The same bytes for the same plan, so that it is stored once and decoded once a process."""
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=encode(plan)))
