"""Starts executions, exactly once for a key: Temporal first, which decides, then the row."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from pydantic import JsonValue
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.executions.shapes import StartIn
from api.means import Means
from api.temporal_patience import soon
from dag.errors import PerdureError
from dag.inputs import accepted
from dag.plan import Plan
from interpreter.start import Start
from runtime.executions import request_of, start
from runtime.patience import patiently
from store import env, executions, ids, plans, workflows
from store.executions import Execution, Kept, Started
from store.ids import ExecutionId, TenantId, WorkflowId
from store.plans import PlanRow
from store.session import Session, session

TRIGGER = "api"
_LARGE = 128 * 1024
"""Bytes of an input that takes long to check."""
_PATIENCE = 5.0
"""Seconds in which a row must be stored; the execution has started already."""


class IdempotencyConflict(PerdureError):
    """This Idempotency-Key has started an execution of this workflow with another input or other options."""

    code = "idempotency.conflict"


@dataclass(frozen=True)
class Begun:
    """An execution that was started, or had been before with the same key."""

    execution: Execution
    replayed: bool


@dataclass(frozen=True)
class _Request:
    tenant: TenantId
    id: ExecutionId
    asked: StartIn
    hash: bytes
    """Of what was asked for, whatever the order of its keys."""


@dataclass(frozen=True)
class _Ready:
    """All that a start needs."""

    plan: PlanRow
    env: Mapping[str, JsonValue]
    input: JsonValue


async def begin(means: Means, tenant: TenantId, workflow: str, asked: StartIn, *, key: str | None) -> Begun:
    """Start an execution. With a key, only once: repeated, it answers with what was started then."""
    request = _Request(tenant, ids.execution(), asked, _hash(asked))
    if key is not None:
        async with session(means.database, tenant) as s:
            found = await workflows.find(s, workflow)
            request = replace(request, id=ids.repeatable_execution(tenant, WorkflowId(found.id), key))
            kept = await executions.kept(s, request.id)
        if kept is not None:
            return await _started_before(means, request, workflow, kept)
    ready = await _ready(means, tenant, workflow, asked, asked.version)
    client = await means.temporal.client()
    try:
        await soon(_start(client, means.settings.queue, request, ready))
    except WorkflowAlreadyStartedError:
        async with session(means.database, tenant) as s:
            kept = await executions.kept(s, request.id)
        return await _started_before(means, request, workflow, kept)
    return Begun(await _keep(means, request, ready), replayed=False)


async def _ready(means: Means, tenant: TenantId, workflow: str, asked: StartIn, version: int | str | None) -> _Ready:
    async with session(means.database, tenant) as s:
        found = await plans.plan(s, workflow, version)
        read = await _env(s, found.plan)
    return _Ready(found, read, await _accepted(asked.input, found))


async def _env(session: Session, plan: Plan) -> Mapping[str, JsonValue]:
    """The settings that the plan reads, as they are now."""
    if not plan.env:
        return {}
    values = await env.values(session)
    return values if plan.env == ("*",) else {name: values[name] for name in plan.env if name in values}


async def _accepted(input: JsonValue, plan: PlanRow) -> JsonValue:
    schema = dict(plan.input)
    if len(orjson.dumps(input)) < _LARGE:
        return accepted(input, schema)
    return await asyncio.to_thread(accepted, input, schema)


async def _start(client: Client, queue: str, request: _Request, ready: _Ready) -> None:
    plan = ready.plan.plan
    if request.asked.priority is not None:
        plan = replace(plan, priority=request.asked.priority)
    await start(
        client,
        plan,
        Start(input=ready.input, env=ready.env, trigger=TRIGGER),
        tenant=request.tenant,
        execution=request.id,
        queue=queue,
        # The version belongs to it: a tag, or the newest version, may mean another one when the start is repeated.
        request=f"{request.hash.hex()} {ready.plan.version}",
    )


async def _started_before(means: Means, request: _Request, workflow: str, kept: Kept | None) -> Begun:
    """What was started then, if it was the same request. The hash in its row says so; where the one who started it was
    killed there is none, nor perhaps a row, and Temporal knows."""
    if kept is not None and kept.request_hash is not None:
        if kept.request_hash != request.hash:
            raise IdempotencyConflict
        async with session(means.database, request.tenant) as s:
            return Begun(await executions.find(s, request.id), replayed=True)
    hash, _, version = (await _told(means, request)).partition(" ")
    if hash != request.hash.hex():
        raise IdempotencyConflict
    ready = await _ready(means, request.tenant, workflow, request.asked, int(version))
    return Begun(await _keep(means, request, ready), replayed=True)


async def _told(means: Means, request: _Request) -> str:
    client = await means.temporal.client()
    try:
        return await soon(request_of(client, tenant=request.tenant, execution=request.id)) or ""
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        raise IdempotencyConflict("This Idempotency-Key has been used long ago; whether alike is not known.") from None


async def _keep(means: Means, request: _Request, ready: _Ready) -> Execution:
    started = Started(
        id=request.id,
        workflow_id=ready.plan.workflow_id,
        workflow=ready.plan.name,
        version=ready.plan.version,
        trigger=TRIGGER,
        labels=request.asked.labels,
        input=orjson.dumps(ready.input),
        request_hash=request.hash,
    )

    return await patiently(lambda: executions.keep(means.database, request.tenant, started), within=_PATIENCE)


def _hash(asked: StartIn) -> bytes:
    said = [asked.input, asked.version, asked.labels, asked.priority]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()
