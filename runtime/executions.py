"""Starts executions of the interpreter."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.common import Priority, RawValue, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.converter import WorkflowSerializationContext
from temporalio.service import RPCError, RPCStatusCode

from dag.plan import Plan, encode
from dag.strands import StrandId
from dag.sub_workflows import Origin, Parent
from interpreter.start import Start, written
from runtime import namespace
from runtime.converter import raw
from runtime.metrics import STARTS

TASK_TIMEOUT = timedelta(seconds=5)
"""After a worker dies with a workflow task in its hands, another has it so much later; Temporal's default is 10 s."""
_LONGEST_TITLE = 100
_REQUEST = "request"
_PARENT = "parent"
_ORIGIN = "origin"

logger = logging.getLogger("perdure.temporal")


async def start(
    client: Client,
    plan: Plan,
    begin: Start,
    *,
    tenant: str,
    execution: str,
    queue: str,
    request: str | None = None,
    origin: Origin | None = None,
) -> WorkflowHandle[Any, Any]:
    """Start one execution of a plan; its id is the workflow id's second part, and cannot be used twice: that raises
    WorkflowAlreadyStartedError. `request` is a hash of what was asked for: it tells a repetition from a clash.
    `origin` says which execution asks, if one does."""
    title = None if plan.title is None else plan.title[:_LONGEST_TITLE]
    memo: Mapping[str, str | Parent | Origin | None] = {
        _REQUEST: request,
        "title": title,
        _PARENT: begin.parent,
        _ORIGIN: origin,
    }

    async def started(found_by: TypedSearchAttributes) -> WorkflowHandle[Any, Any]:
        return await client.start_workflow(
            plan.workflow,
            args=[written(begin), plan_payload(plan)],
            id=str(StrandId(tenant, execution)),
            # A later attempt is a new run under the same id.
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
            if begin.attempt == 1
            else WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            task_queue=queue,
            task_timeout=TASK_TIMEOUT,
            memo={key: value for key, value in memo.items() if value is not None},
            search_attributes=found_by,
            static_summary=title,
            priority=Priority(priority_key=plan.priority, fairness_key=tenant[:64]),
        )

    try:
        handle = await started(
            attributes(tenant=tenant, workflow=plan.workflow, version=plan.version, trigger=begin.trigger)
        )
    except RPCError as refused:
        # Temporal refuses attributes that its namespace does not have. They only help operators to find executions.
        if refused.status != RPCStatusCode.INVALID_ARGUMENT:
            raise
        handle = await started(TypedSearchAttributes.empty)
        logger.warning("%s was started without search attributes: %s", handle.id, refused.message)
    STARTS.labels(begin.trigger).inc()
    return handle


@dataclass(frozen=True)
class Begun:
    """What a run was started with."""

    start: Start
    plan: RawValue
    type: str
    """Of the workflow, as Temporal knows it."""
    first_run: str
    """The id of the run that began what this one goes on with."""
    attributes: WorkflowExecutionStartedEventAttributes


async def begun(client: Client, run: WorkflowHandle[Any, Any]) -> Begun:
    """What a run was started with. Raises RPCError."""
    first = await anext(aiter(run.fetch_history_events(page_size=1)))
    said = first.workflow_execution_started_event_attributes
    context = WorkflowSerializationContext(namespace=client.namespace, workflow_id=run.id)
    converter = client.data_converter.with_context(context)
    start, plan = await converter.decode(said.input.payloads[:2], [Start, RawValue])
    return Begun(start, plan, said.workflow_type.name, said.first_execution_run_id, said)


async def request_of(client: Client, *, tenant: str, execution: str) -> str | None:
    """The `request` that an execution was started with. Raises RPCError, NOT_FOUND when Temporal knows it no longer."""
    described = await client.get_workflow_handle(str(StrandId(tenant, execution))).describe()
    return await request_in(described)


async def request_in(described: WorkflowExecutionDescription) -> str | None:
    """The same of one that has been described."""
    return await described.memo_value(_REQUEST, None, type_hint=str)


async def parent_of(described: WorkflowExecutionDescription) -> Parent | None:
    """Who waits for an execution."""
    return await described.memo_value(_PARENT, None, type_hint=Parent)


async def origin_of(described: WorkflowExecutionDescription) -> Origin | None:
    """Which execution started an execution."""
    return await described.memo_value(_ORIGIN, None, type_hint=Origin)


def plan_payload(plan: Plan) -> RawValue:
    """The same bytes for the same plan, so that it is stored once and decoded once a process."""
    return raw(encode(plan))


def attributes(*, tenant: str, workflow: str, version: int, trigger: str) -> TypedSearchAttributes:
    """By what operators find an execution in Temporal."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(namespace.TENANT, tenant),
            SearchAttributePair(namespace.WORKFLOW, workflow),
            SearchAttributePair(namespace.VERSION, version),
            SearchAttributePair(namespace.TRIGGER, trigger),
        ]
    )
