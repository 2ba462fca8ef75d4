"""Does the same to many executions, with a result for each."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from fastapi import Response
from pydantic import TypeAdapter

from api.executions.asking import Place
from api.executions.cancelling import cancel, terminate
from api.executions.control_shapes import BulkIn, BulkOut, BulkResult, FilterIn
from api.executions.going_on import retry, roll_back
from api.executions.rerunning import rerun
from api.executions.signalling import signal
from api.executions.starting import Begun, name_of
from api.executions.steering import steer
from api.json_answers import answer
from api.means import Means
from api.paging import page, place
from api.problems import RequestInvalid, TemporalUnavailable
from dag.errors import PerdureError
from dag.steering import Edit, Pause, Resume, Skip
from runtime.events import Published
from store import execution_search
from store.database import StoreUnavailable
from store.execution_search import Filters
from store.ids import ExecutionId
from store.session import session
from store.tenants import Holder

Verb = Literal[
    "pause", "resume", "cancel", "terminate", "skip", "variables", "signal", "retry", "rerun", "rollback"
]  # fmt: skip
OPEN = ("queued", "running", "waiting", "paused")
FAILED = ("failed", "timed_out", "cancelled")
ENDED = (*FAILED, "succeeded")
_AT_ONCE = 20
_LONGEST = 50.0
"""Seconds; those that have no answer by then are told so."""
_PLACE: TypeAdapter[Place] = TypeAdapter(Place)
_Do = Callable[[ExecutionId], Awaitable[object]]
_Given = TypeVar("_Given")


async def done_to_all(means: Means, caller: Holder, verb: Verb, asked: BulkIn, *, key: str | None) -> Response:
    """Do it to each of them, some at once."""
    if (asked.ids is None) == (asked.filter is None):
        raise _wrong("invalid_value", "ids", "Say `ids` or a `filter`: one of the two.")
    does = _does(means, caller, verb, asked, by=await name_of(means, caller), key=key)
    ids, next = [ExecutionId(id) for id in dict.fromkeys(asked.ids or ())], None
    if asked.filter is not None:
        ids, next = await _found(means, caller, verb, asked, asked.filter)
    slots = asyncio.Semaphore(_AT_ONCE)
    until = asyncio.get_running_loop().time() + _LONGEST

    async def result(id: ExecutionId) -> BulkResult:
        async with slots:
            try:
                async with asyncio.timeout_at(until):
                    return BulkResult(id=id, ok=True, made=_made(await does(id)))
            except TimeoutError:
                return _refused(id, TemporalUnavailable())
            except StoreUnavailable:
                raise
            except PerdureError as refused:
                return _refused(id, refused)

    items = await asyncio.gather(*map(result, ids))
    return answer(BulkOut(items=items, next=next).model_dump())


async def _found(
    means: Means, caller: Holder, verb: Verb, asked: BulkIn, filter: FilterIn
) -> tuple[list[ExecutionId], str | None]:
    async with session(means.database, caller.tenant) as s:
        last = None if asked.cursor is None else place(s, asked.cursor, _PLACE)
        rows = await execution_search.page(s, _filters(filter, verb), after=last, limit=asked.limit + 1)
        found = page(s, rows, asked.limit, key=lambda row: (row.started_at, row.id))
    return [ExecutionId(each.id) for each in found.items], found.next


def _does(means: Means, caller: Holder, verb: Verb, asked: BulkIn, *, by: str, key: str | None) -> _Do:
    tenant, reason = caller.tenant, asked.reason
    key = None if key is None else hashlib.sha256(f"bulk\n{key}".encode()).hexdigest()
    match verb:
        case "pause":
            return lambda id: steer(means, caller, id, Pause(), reason=reason, key=key)
        case "resume":
            return lambda id: steer(means, caller, id, Resume(), reason=reason, key=key)
        case "skip":
            return lambda id: steer(means, caller, id, Skip(asked.path), reason=reason, key=key)
        case "variables":
            return lambda id: steer(means, caller, id, Edit(asked.values, asked.path), reason=reason, key=key)
        case "cancel":
            return lambda id: cancel(means, tenant, id, by=by, reason=reason)
        case "terminate":
            return lambda id: terminate(means, tenant, id, by=by, reason=reason)
        case "signal":
            event = _given(asked.event, "event")
            return lambda id: signal(means, tenant, id, event, by=by, reason=reason, key=key)
        case "retry":
            return lambda id: retry(means, tenant, id, by=by, reason=reason)
        case "rerun":
            wanted = _given(asked.rerun, "rerun")
            return lambda id: rerun(means, tenant, id, wanted, by=by, reason=reason, key=key)
        case "rollback":
            return lambda id: roll_back(means, tenant, id, to=asked.path, by=by, reason=reason)


def _given(value: _Given | None, name: str) -> _Given:
    if value is None:
        raise _wrong("missing_field", name, f"Say `{name}`.")
    return value


def _wrong(code: str, name: str, message: str) -> RequestInvalid:
    return RequestInvalid([{"code": code, "in": "body", "path": f"/{name}", "message": message}])


def _made(done: object) -> str | None:
    match done:
        case Begun(execution):
            return execution.id
        case Published(event):
            return event.id
        case _:
            return None


def _refused(id: ExecutionId, why: PerdureError) -> BulkResult:
    return BulkResult(id=id, ok=False, code=why.code, message=why.message, details=why.details)


def _filters(asked: FilterIn, verb: Verb) -> Filters:
    """Those that it makes a difference to."""
    ended = {"retry": FAILED, "rerun": ENDED, "rollback": ENDED}
    fitting = {"pause": OPEN[:3], "resume": ("paused",), **ended}.get(verb, OPEN)
    return Filters(
        workflow=asked.workflow,
        version=asked.version,
        status=[status for status in fitting if not asked.status or status in asked.status] or ["none"],
        trigger=asked.trigger,
        label=[*asked.labels.items()],
        started_after=asked.started_after,
        started_before=asked.started_before,
        parent=asked.parent,
    )
