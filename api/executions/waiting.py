"""Why an execution does not move: what its node runs wait for, by the journal, and what Temporal waits for."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import JsonValue
from temporalio.api.enums.v1 import PendingActivityState, PendingWorkflowTaskState, TaskQueueType
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from api.executions.shapes import Reason
from api.means import Means
from api.pollers import polled
from api.problems import TemporalUnavailable
from dag.retries import RETRIES, LaterAttempt
from dag.strands import StrandId
from interpreter.times import iso
from store import executions, node_run_reading, strands
from store.ids import ExecutionId, TenantId
from store.node_run_reading import Wait
from store.session import session

MOST = 500
STRANDS = 8
"""So many batches of large loops are asked; more than a few never run at once."""
_PATIENCE = 5.0
_QUERY = timedelta(seconds=2)
"""For an interpreter to answer, which it does as soon as a worker has it."""
_AT_ONCE = timedelta(seconds=2)
"""Work that has been there for less has only just come."""


@dataclass(frozen=True)
class Waiting:
    """One thing that an execution waits for."""

    path: str
    type: str | None
    reason: Reason
    text: str
    since: datetime | None
    until: str | None = None
    attempt: int | None = None
    error_code: str | None = None
    queue: str | None = None
    task: str | None = None
    execution: str | None = None
    events: Sequence[JsonValue] | None = None


async def waiting(means: Means, tenant: TenantId, id: ExecutionId) -> list[Waiting]:
    """Everything that is known to hold an execution up; nothing when it has ended. Raises ExecutionUnknown."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
        if found.closed_at is not None:
            return []
        whole = await node_run_reading.held_up(s, id, attempt=found.attempt)
        waits = await node_run_reading.waiting(s, id, attempt=found.attempt, limit=MOST)
        begun = await strands.not_ended(s, [(id, each) for each in await strands.begun_in(s, id, None)])
    told = [] if whole is None else [_held_up(whole)]
    told += [_by_journal(wait) for wait in waits]
    try:
        async with asyncio.timeout(_PATIENCE):
            client = await means.temporal.client()
            names = ["", *(strand for _, strand in begun[:STRANDS])]
            handles = [client.get_workflow_handle(str(StrandId(tenant, id, name))) for name in names]
            workers = _Workers(client)
            asked = await asyncio.gather(*(_by_temporal(workers, each) for each in handles))
    except (TimeoutError, TemporalUnavailable):
        told.append(Waiting("", None, "temporal", "Temporal does not answer: nothing goes on until it does.", None))
    else:
        told += [each for strand in asked for each in strand]
    return told[:MOST]


def _held_up(whole: Wait) -> Waiting:
    said = whole.said
    if whole.type == "execution.paused":
        who = f" by {by}" if isinstance(by := said.get("by"), str) else ""
        return Waiting("", None, "pause", f"It was paused{who}; resume it to go on.", whole.since)
    if "limit" in said:
        text = f"At most {said['limit']} executions of the workflow (and key) run at once, and as many do."
        return Waiting("", None, "limit", text, whole.since)
    until = said.get("until")
    text = "It waits for the workflows that its workflow depends on."
    return Waiting("", None, "dependency", text, whole.since, until if isinstance(until, str) else None)


def _by_journal(wait: Wait) -> Waiting:
    said = wait.said
    match wait.type:
        case "approval" | "ask":
            asked = _names(said.get("assignees"))
            verb = "decides" if wait.type == "approval" else "answers"
            text, due = f"Somebody of {asked} {verb}." if asked else f"Somebody {verb}.", _text(said.get("due"))
            return Waiting(wait.path, wait.type, "person", text, wait.since, due, task=_text(said.get("task")))
        case "wait_event":
            events = said.get("events")
            wanted = cast(list[Mapping[str, JsonValue]], events) if isinstance(events, list) else []
            text = f"No {_either(_event(one) for one in wanted)} has come."
            until = _text(said.get("until"))
            return Waiting(wait.path, wait.type, "event", text, wait.since, until, events=[dict(one) for one in wanted])
        case "workflow":
            child = _text(said.get("execution"))
            text = f"The execution {child} has not ended."
            return Waiting(wait.path, wait.type, "execution", text, wait.since, execution=child)
        case _:
            until = _text(said.get("until"))
            if until is None:
                return Waiting(wait.path, wait.type, "other", "It waits.", wait.since)
            return Waiting(wait.path, wait.type, "time", f"It goes on at {until}.", wait.since, until)


async def _by_temporal(workers: "_Workers", strand: WorkflowHandle[Any, Any]) -> list[Waiting]:
    """What Temporal, and the interpreter itself, say of one strand."""
    try:
        raw = (await strand.describe()).raw_description
    except RPCError:  # it has just ended, or Temporal has not heard of it yet
        return []
    told = [await _activity(workers, one) for one in raw.pending_activities]
    held = await _held(workers, raw)
    if held is not None:
        return [*told, held]
    return told + [each async for each in _later(strand)]


async def _activity(workers: "_Workers", one: PendingActivityInfo) -> Waiting:
    path, type = one.activity_id, one.activity_type.name
    code = one.last_failure.application_failure_info.type or None if one.HasField("last_failure") else None
    queue = one.activity_options.task_queue.name
    match one.state:
        case PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED if one.HasField("next_attempt_schedule_time"):
            at = iso(_moment(one.next_attempt_schedule_time).timestamp())
            text = f"Attempt {one.attempt - 1} failed{f' with {code}' if code else ''}; the next is made at {at}."
            return Waiting(path, type, "retry", text, None, at, one.attempt, code, queue)
        case PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
            since = _moment(one.scheduled_time)
            text = await workers.missing(queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
            return Waiting(path, type, "worker", text, since, None, one.attempt, code, queue)
        case PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED:
            text = "An operator has paused the activity in Temporal."
            return Waiting(path, type, "pause", text, None, None, one.attempt, code, queue)
        case _:
            since = _moment(one.last_started_time)
            text = f"Attempt {one.attempt} runs."
            return Waiting(path, type, "activity", text, since, None, one.attempt, code, queue)


async def _held(workers: "_Workers", raw: DescribeWorkflowExecutionResponse) -> Waiting | None:
    """Why the interpreter itself does not get on."""
    if not raw.HasField("pending_workflow_task"):
        return None
    pending, queue = raw.pending_workflow_task, raw.execution_config.task_queue.name
    since = _moment(pending.original_scheduled_time)
    if pending.attempt > 1:
        text = f"The interpreter's task failed {pending.attempt - 1} times: the worker's log says why."
        return Waiting("", None, "engine", text, since, attempt=pending.attempt, queue=queue)
    is_waiting = pending.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
    if is_waiting and datetime.now(UTC) - since > _AT_ONCE:
        text = await workers.missing(queue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
        return Waiting("", None, "worker", text, since, queue=queue)
    return None


async def _later(strand: WorkflowHandle[Any, Any]) -> AsyncGenerator[Waiting]:
    """The attempts that the interpreter makes itself, when their time has come."""
    try:
        found: list[LaterAttempt] = await strand.query(RETRIES, result_type=list[LaterAttempt], rpc_timeout=_QUERY)
    except (RPCError, WorkflowQueryFailedError):  # no worker, or one of a version that has no such query
        return
    for one in found:
        text = f"Attempt {one.attempt - 1} failed; the next is made at {one.at}."
        yield Waiting(one.path, None, "retry", text, None, one.at, one.attempt)


class _Workers:
    """Whether there are workers on a queue, asked once for each."""

    def __init__(self, client: Client):
        self._client = client
        self._polled: dict[tuple[str, int], bool] = {}

    async def missing(self, queue: str, kind: "TaskQueueType.ValueType") -> str:
        """Why no worker takes what is in a queue."""
        if (queue, kind) not in self._polled:
            try:
                self._polled[queue, kind] = await polled(self._client, queue, kind)
            except RPCError:
                return f"No worker on queue `{queue}` has taken it yet."
        if self._polled[queue, kind]:
            return f"The workers on queue `{queue}` are busy."
        return f"No worker asks for work on queue `{queue}`: start one."


def _moment(at: Timestamp) -> datetime:
    return at.ToDatetime(tzinfo=UTC)


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _names(value: JsonValue) -> str:
    return _either(f"`{name}`" for name in value) if isinstance(value, list) else ""


def _event(wanted: Mapping[str, JsonValue]) -> str:
    key = wanted.get("key")
    return f"event `{wanted.get('name')}`" + ("" if key is None else f" with the key {key}")


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)
