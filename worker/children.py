"""The activities by which executions start others, look after them and report to each other. Each may be run any number
of times, and waits for the database as long as that is away."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import orjson
from pydantic import BaseModel
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import RawValue
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from dag.errors import PerdureError
from dag.strands import StrandId
from dag.sub_workflows import BEGIN, CANCEL, LOOK, REPORT, Beginning, Child, Origin, Parent, Report
from dag.testing.mode import for_test
from dag.testing.preparing import handed_on
from interpreter.start import Start
from runtime.again import Asked, ExecutionOpen, go_on
from runtime.children import end_of, report
from runtime.converter import raw
from runtime.executions import request_of, start
from runtime.gone import unless_gone
from runtime.patience import patiently
from runtime.starting import ready
from store import executions, ids
from store.database import Database, StoreUnavailable
from store.executions import Started
from store.ids import ExecutionId, TenantId
from store.session import session
from store.versions import VersionUnknown
from worker.own_attempt import own_attempt, whose

Activity = Callable[..., Awaitable[object]]


class ChildVersionUnknown(PerdureError):
    """The workflow to be started has no such version."""

    code = "workflow.version_unknown"


def child_activities(client: Client, database: Database) -> Sequence[Activity]:
    """Make the activities."""

    @activity.defn(name=BEGIN)
    async def begin(asked: Beginning) -> str:
        """Start an execution; gives its id."""
        tenant, parent = whose()
        id = ids.child_execution(tenant, parent, asked.attempt, asked.path)
        async with own_attempt(asked.path):
            try:
                begins = _begin if asked.again is None else _go_on_with
                await patiently(lambda: begins(client, database, tenant, parent, id, asked))
            except VersionUnknown as unknown:
                raise ChildVersionUnknown(unknown.message) from None
        return id

    @activity.defn(name=LOOK)
    async def look(asked: Child) -> RawValue:
        """Ask how a child has ended; gives a ChildEnd, or null."""
        tenant, _ = whose()
        async with own_attempt(asked.path):
            end = await patiently(lambda: end_of(client, database, tenant, asked))
            return raw(orjson.dumps(end, default=_model), outside=True)

    @activity.defn(name=CANCEL)
    async def cancel(asked: Child) -> None:
        """Ask a child to end."""
        tenant, _ = whose()
        async with own_attempt(asked.path):
            with unless_gone():
                await client.get_workflow_handle(str(StrandId(tenant, asked.execution))).cancel()

    @activity.defn(name=REPORT)
    async def tell(asked: Report) -> None:
        """Tell whoever waits for this execution how it ends."""
        async with own_attempt(asked.end.path):
            await patiently(lambda: report(client, asked.parent, asked.end))

    return [begin, look, cancel, tell]


async def _begin(
    client: Client, database: Database, tenant: TenantId, parent: ExecutionId, id: ExecutionId, asked: Beginning
) -> None:
    """Temporal first, which decides, then the row. What a tag means may have changed since it was started, and the
    schema of its input with it: what has been started counts."""
    info = activity.info()
    origin = Origin(parent, asked.path)
    try:
        found = await ready(database, tenant, asked.name, asked.version, asked.input)
        plan, mode = replace(found.plan.plan, priority=asked.priority), None
        if asked.test is not None:
            plan, mode = for_test(plan, {}), handed_on(asked.test, plan)
        await start(
            client,
            plan,
            Start(
                input=found.input,
                env=found.env,
                trigger=asked.trigger,
                started_by=asked.started_by,
                parent=Parent(str(info.workflow_id), asked.path) if asked.wait else None,
                depth=asked.depth,
                awaits=() if mode is not None else found.awaits,
                debug=asked.debug,
                test=mode,
            ),
            tenant=tenant,
            execution=id,
            queue=info.task_queue,
            request=f"{parent} {found.plan.version}",
            origin=origin,
        )
    except StoreUnavailable:
        raise
    except (PerdureError, WorkflowAlreadyStartedError):
        version = await _started_before(client, tenant, id)
        if version is None:
            raise
        found = await ready(database, tenant, asked.name, version, asked.input, again=True)
    started = Started(
        id=id,
        workflow_id=found.plan.workflow_id,
        workflow=found.plan.name,
        version=found.plan.version,
        trigger=asked.trigger,
        labels={},
        input=orjson.dumps(found.input),
        request_hash=None,
        origin=origin,
    )
    await executions.keep(database, tenant, started)


async def _go_on_with(
    client: Client, database: Database, tenant: TenantId, parent: ExecutionId, id: ExecutionId, asked: Beginning
) -> None:
    """The parent goes on, and so does its child, where it has not come to a good end. One that nobody waits for is not
    started twice, whatever became of it."""
    waits = Parent(str(activity.info().workflow_id), asked.path)
    try:
        status = (await client.get_workflow_handle(str(StrandId(tenant, id))).describe()).status
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        status = None
    async with session(database, tenant) as opened:
        known = await executions.kept(opened, id)
    if status is None and known is None:  # it had not come to be started
        await _begin(client, database, tenant, parent, id, asked)
    elif not asked.wait or status is WorkflowExecutionStatus.RUNNING:
        return
    elif (end := await end_of(client, database, tenant, Child(asked.path, id))) and end.status == "succeeded":
        await report(client, waits, end)
    else:
        again = Asked("retry", str(asked.again), parent=waits)
        with suppress(ExecutionOpen):  # somebody else has it go on
            await go_on(client, database, tenant, id, again, queue=activity.info().task_queue)


async def _started_before(client: Client, tenant: TenantId, id: ExecutionId) -> int | None:
    """The version that has been started, if one has."""
    try:
        request = await request_of(client, tenant=tenant, execution=id)
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        return None
    return int((request or "").rpartition(" ")[2])


def _model(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    raise TypeError
