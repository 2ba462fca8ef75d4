"""Starts executions, exactly once for a key: Temporal first, which decides, then the row."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson
from pydantic import JsonValue
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.executions.breakpoints import debugging
from api.executions.shapes import StartIn
from api.means import Means
from api.temporal_patience import soon
from dag.again import Again
from dag.errors import PerdureError
from dag.steering import Debugging
from dag.testing.mode import Mode
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
class Prepared:
    """All that a start needs."""

    found: Ready
    again: Again | None = None
    test: Mode | None = None


@dataclass(frozen=True)
class Request:
    """A start that somebody asks for."""

    tenant: TenantId
    id: ExecutionId
    hash: bytes
    """Of what was asked for, whatever the order of its keys."""
    by: str
    """Who asks."""
    prepare: Callable[[int | None], Awaitable[Prepared]]
    """Looks up what it starts: in a version, or in the one that was asked for."""
    trigger: str = TRIGGER
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    priority: int | None = None
    debug: Debugging | None = None
    rerun_of: ExecutionId | None = None


async def begin(means: Means, caller: Holder, workflow: str, asked: StartIn, *, key: str | None) -> Begun:
    """Start an execution. With a key, only once: repeated, it answers with what was started then."""
    tenant = caller.tenant

    async def prepare(version: int | None) -> Prepared:
        which, again = version or asked.version, version is not None
        return Prepared(await ready(means.database, tenant, workflow, which, asked.input, again=again))

    request = Request(
        tenant,
        ids.execution(),
        hash_of(_said(asked)),
        by=await name_of(means, caller),
        prepare=prepare,
        labels=asked.labels,
        priority=asked.priority,
        debug=debugging(asked.debug),
    )
    if key is not None:
        async with session(means.database, tenant) as s:
            row = await workflows.find(s, workflow)
        request = replace(request, id=ids.repeatable_execution(tenant, WorkflowId(row.id), key))
    return await started(means, request, once=key is not None)


async def name_of(means: Means, caller: Holder) -> str:
    """What the journal calls whoever asks."""
    return f"key:{await means.keys.name(caller)}"


async def started(means: Means, request: Request, *, once: bool) -> Begun:
    """Start what is asked for; with `once`, if it has not been started before."""
    if once:
        async with session(means.database, request.tenant) as s:
            kept = await executions.kept(s, request.id)
        if kept is not None:
            return await _started_before(means, request, kept)
    prepared = await request.prepare(None)
    client = await means.temporal.client()
    try:
        await soon(_start(client, means.settings.queue, request, prepared))
    except WorkflowAlreadyStartedError:
        async with session(means.database, request.tenant) as s:
            kept = await executions.kept(s, request.id)
        return await _started_before(means, request, kept)
    return Begun(await _keep(means, request, prepared.found), replayed=False)


async def _start(client: Client, queue: str, request: Request, prepared: Prepared) -> None:
    found = prepared.found
    plan = found.plan.plan
    if request.priority is not None:
        plan = replace(plan, priority=request.priority)
    await start(
        client,
        plan,
        Start(
            input=found.input,
            env=found.env,
            trigger=request.trigger,
            started_by=request.by,
            awaits=found.awaits,
            test=prepared.test,
            again=prepared.again,
            debug=request.debug,
        ),
        tenant=request.tenant,
        execution=request.id,
        queue=queue,
        # The version belongs to it: a tag, or the newest version, may mean another one when the start is repeated.
        request=f"{request.hash.hex()} {found.plan.version}",
    )


async def _started_before(means: Means, request: Request, kept: Kept | None) -> Begun:
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
    prepared = await request.prepare(int(version))
    return Begun(await _keep(means, request, prepared.found), replayed=True)


async def _told(means: Means, request: Request) -> str:
    client = await means.temporal.client()
    try:
        return await soon(request_of(client, tenant=request.tenant, execution=request.id)) or ""
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        raise IdempotencyConflict("This Idempotency-Key has been used long ago; whether alike is not known.") from None


async def _keep(means: Means, request: Request, found: Ready) -> Execution:
    started = Started(
        id=request.id,
        workflow_id=found.plan.workflow_id,
        workflow=found.plan.name,
        version=found.plan.version,
        trigger=request.trigger,
        labels=request.labels,
        input=orjson.dumps(found.input),
        request_hash=request.hash,
        rerun_of=request.rerun_of,
    )

    return await patiently(lambda: executions.keep(means.database, request.tenant, started), within=_PATIENCE)


def _said(asked: StartIn) -> JsonValue:
    said: list[JsonValue] = [asked.input, asked.version, dict(asked.labels), asked.priority]
    if asked.debug:  # without it, as before there was any
        said.append(asked.model_dump(include={"debug"}))
    return said


def hash_of(said: JsonValue) -> bytes:
    """Of what is asked for, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()
