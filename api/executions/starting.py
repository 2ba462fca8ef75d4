"""Starts executions, exactly once for a key: Temporal first, which decides, then the row."""

import hashlib
from dataclasses import dataclass, replace

import orjson
from pydantic import JsonValue
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.executions.breakpoints import debugging
from api.executions.shapes import StartIn
from api.means import Means
from api.temporal_patience import soon
from dag.errors import PerdureError
from interpreter.start import Start
from runtime.executions import request_of, start
from runtime.patience import patiently
from runtime.starting import Ready, ready
from store import executions, ids, workflows
from store.executions import Execution, Kept, Started
from store.ids import ExecutionId, TenantId, WorkflowId
from store.session import session
from store.tenants import Holder

TRIGGER = "api"
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
    by: str
    """Who asks."""


async def begin(means: Means, caller: Holder, workflow: str, asked: StartIn, *, key: str | None) -> Begun:
    """Start an execution. With a key, only once: repeated, it answers with what was started then."""
    tenant = caller.tenant
    request = _Request(tenant, ids.execution(), asked, _hash(asked), by=f"key:{await means.keys.name(caller)}")
    if key is not None:
        async with session(means.database, tenant) as s:
            row = await workflows.find(s, workflow)
            request = replace(request, id=ids.repeatable_execution(tenant, WorkflowId(row.id), key))
            kept = await executions.kept(s, request.id)
        if kept is not None:
            return await _started_before(means, request, workflow, kept)
    found = await ready(means.database, tenant, workflow, asked.version, asked.input)
    client = await means.temporal.client()
    try:
        await soon(_start(client, means.settings.queue, request, found))
    except WorkflowAlreadyStartedError:
        async with session(means.database, tenant) as s:
            kept = await executions.kept(s, request.id)
        return await _started_before(means, request, workflow, kept)
    return Begun(await _keep(means, request, found), replayed=False)


async def _start(client: Client, queue: str, request: _Request, found: Ready) -> None:
    plan = found.plan.plan
    if request.asked.priority is not None:
        plan = replace(plan, priority=request.asked.priority)
    await start(
        client,
        plan,
        Start(
            input=found.input,
            env=found.env,
            trigger=TRIGGER,
            started_by=request.by,
            awaits=found.awaits,
            debug=debugging(request.asked.debug),
        ),
        tenant=request.tenant,
        execution=request.id,
        queue=queue,
        # The version belongs to it: a tag, or the newest version, may mean another one when the start is repeated.
        request=f"{request.hash.hex()} {found.plan.version}",
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
    found = await ready(means.database, request.tenant, workflow, int(version), request.asked.input, again=True)
    return Begun(await _keep(means, request, found), replayed=True)


async def _told(means: Means, request: _Request) -> str:
    client = await means.temporal.client()
    try:
        return await soon(request_of(client, tenant=request.tenant, execution=request.id)) or ""
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        raise IdempotencyConflict("This Idempotency-Key has been used long ago; whether alike is not known.") from None


async def _keep(means: Means, request: _Request, found: Ready) -> Execution:
    started = Started(
        id=request.id,
        workflow_id=found.plan.workflow_id,
        workflow=found.plan.name,
        version=found.plan.version,
        trigger=TRIGGER,
        labels=request.asked.labels,
        input=orjson.dumps(found.input),
        request_hash=request.hash,
    )

    return await patiently(lambda: executions.keep(means.database, request.tenant, started), within=_PATIENCE)


def _hash(asked: StartIn) -> bytes:
    said: list[JsonValue] = [asked.input, asked.version, dict(asked.labels), asked.priority]
    if asked.debug:  # without it, as before there was any
        said.append(asked.model_dump(include={"debug"}))
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()
