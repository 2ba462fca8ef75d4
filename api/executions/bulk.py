"""Does the same to many executions, with a result for each."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import Response

from api.executions.cancelling import cancel, terminate
from api.executions.control_shapes import BulkIn, BulkOut, BulkResult, FilterIn
from api.executions.going_on import retry, roll_back
from api.executions.starting import name_of
from api.executions.steering import steer
from api.json_answers import answer
from api.means import Means
from api.problems import RequestInvalid, TemporalUnavailable
from dag.errors import PerdureError
from dag.steering import Edit, Pause, Resume, Skip
from store import execution_search
from store.database import StoreUnavailable
from store.execution_search import Filters
from store.ids import ExecutionId
from store.session import session
from store.tenants import Holder

Verb = Literal["pause", "resume", "cancel", "terminate", "skip", "variables", "retry", "rollback"]
OPEN = ("queued", "running", "waiting", "paused")
FAILED = ("failed", "timed_out", "cancelled")
_AT_ONCE = 20
_LONGEST = 50.0
"""Seconds; those that have no answer by then are told so."""
_Do = Callable[[ExecutionId], Awaitable[object]]


async def done_to_all(means: Means, caller: Holder, verb: Verb, asked: BulkIn, *, key: str | None) -> Response:
    """Do it to each of them, some at once."""
    if (asked.ids is None) == (asked.filter is None):
        message = "Say `ids` or a `filter`: one of the two."
        raise RequestInvalid([{"code": "invalid_value", "in": "body", "path": "/ids", "message": message}])
    ids, more = [ExecutionId(id) for id in dict.fromkeys(asked.ids or ())], False
    if asked.filter is not None:
        async with session(means.database, caller.tenant) as s:
            found = await execution_search.page(s, _filters(asked.filter, verb), after=None, limit=asked.limit + 1)
        ids, more = [ExecutionId(each.id) for each in found[: asked.limit]], len(found) > asked.limit
    by = await name_of(means, caller)
    does = _does(means, caller, asked, by=by, key=key)[verb]
    slots = asyncio.Semaphore(_AT_ONCE)
    until = asyncio.get_running_loop().time() + _LONGEST

    async def result(id: ExecutionId) -> BulkResult:
        async with slots:
            try:
                async with asyncio.timeout_at(until):
                    await does(id)
            except TimeoutError:
                unheard = TemporalUnavailable()
                return BulkResult(id=id, ok=False, code=unheard.code, message=unheard.message)
            except StoreUnavailable:
                raise
            except PerdureError as refused:
                return BulkResult(id=id, ok=False, code=refused.code, message=refused.message)
            return BulkResult(id=id, ok=True)

    items = await asyncio.gather(*map(result, ids))
    return answer(BulkOut(items=items, more=more).model_dump())


def _does(means: Means, caller: Holder, asked: BulkIn, *, by: str, key: str | None) -> Mapping[Verb, _Do]:
    tenant, reason = caller.tenant, asked.reason
    key = None if key is None else hashlib.sha256(f"bulk\n{key}".encode()).hexdigest()
    return {
        "pause": lambda id: steer(means, caller, id, Pause(), reason=reason, key=key),
        "resume": lambda id: steer(means, caller, id, Resume(), reason=reason, key=key),
        "skip": lambda id: steer(means, caller, id, Skip(asked.path), reason=reason, key=key),
        "variables": lambda id: steer(means, caller, id, Edit(asked.values, asked.path), reason=reason, key=key),
        "cancel": lambda id: cancel(means, tenant, id, by=by, reason=reason),
        "terminate": lambda id: terminate(means, tenant, id, by=by, reason=reason),
        "retry": lambda id: retry(means, tenant, id, by=by, reason=reason),
        "rollback": lambda id: roll_back(means, tenant, id, to=asked.path, by=by, reason=reason),
    }


def _filters(asked: FilterIn, verb: Verb) -> Filters:
    """Those that it makes a difference to, so that who asks again comes to the next."""
    ended = {"retry": FAILED, "rollback": (*FAILED, "succeeded")}
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
