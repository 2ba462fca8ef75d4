"""Brings decisions to the executions that ask for them, until each is answered."""

import asyncio
import hashlib
import random
import time
from collections.abc import Mapping
from dataclasses import asdict

import orjson
from fastapi import Response
from temporalio.client import (
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.json_answers import answer
from api.means import Means
from api.problems import TemporalUnavailable
from api.tasks.finding import Strand, asker
from api.tasks.shapes import DecisionIn
from dag.errors import ErrorValue, PerdureError
from dag.task_ids import TaskPlace, task_id
from dag.task_messages import DECIDE, DECIDED, Answer, Decided, Decision
from dag.task_refusals import REFUSALS, TaskUnknown
from store.tenants import Holder

PATIENCE = 10.0
"""Seconds: an execution takes ten decisions at once, and none while it goes over to its next run."""
_ATTEMPT = 3.0
"""Seconds until it is asked again, under the same id."""
_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_LATER = frozenset(
    {
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.FAILED_PRECONDITION,
    }
)
_BY_CODE: Mapping[str, type[PerdureError]] = {each.code: each for each in REFUSALS}


class DecisionUnheard(TemporalUnavailable):
    """The execution does not answer yet. Repeat the decision: it is made once."""


async def decided(means: Means, caller: Holder, place: TaskPlace, asked: DecisionIn, *, key: str | None) -> Response:
    """Make a decision. Raises what refuses it, and DecisionUnheard."""
    by = asked.by or f"key:{await means.keys.name(caller)}"
    decision = Decision(
        id=_id(place, by, asked, key),
        path=place.path,
        by=by,
        groups=tuple(asked.groups),
        verdict=asked.verdict,
        values=asked.values,
        comment=asked.comment,
        attempt=place.attempt,
    )
    strand = await asker(await means.temporal.client(), caller.tenant, place)
    return answer(asdict(await _answered(strand, decision)))


async def _answered(strand: Strand, decision: Decision) -> Decided:
    """Ask until there is an answer."""
    pause, give_up = _PAUSE, time.monotonic() + PATIENCE
    while (left := give_up - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(min(_ATTEMPT, left)):
                return await _made(strand, decision)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            # An execution may end with what it was asked in its hands, and nobody answers. The SDK tells a cancellation
            # of this very request alike.
            if (this := asyncio.current_task()) is not None and this.cancelling():
                raise asyncio.CancelledError from None
        except WorkflowUpdateFailedError as failed:
            if isinstance(failed.cause, ApplicationError) and failed.cause.type in _BY_CODE:
                raise _refusal(failed.cause) from None
        except RPCError as refused:
            if refused.status not in _LATER:
                raise
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 so that those who wait do not come together
        pause = min(_LONGEST_PAUSE, pause * 2)
    raise DecisionUnheard


async def _made(strand: Strand, decision: Decision) -> Decided:
    try:
        return await strand.execute_update(  # pyright: ignore[reportUnknownMemberType] incomplete in the SDK
            DECIDE, decision, id=decision.id, result_type=Decided
        )
    except RPCError as ended:
        if ended.status != RPCStatusCode.NOT_FOUND:
            raise
    return await _remembered(strand, decision)


async def _remembered(strand: Strand, decision: Decision) -> Decided:
    """An execution that has ended still knows what was decided. Raises TaskUnknown where there is none."""
    try:
        told = await strand.query(DECIDED, decision, result_type=Answer)
    except WorkflowQueryFailedError:
        raise TaskUnknown from None
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        raise TaskUnknown from None
    if told.decided is not None:
        return told.decided
    raise _of_value(told.refused)


def _refusal(cause: ApplicationError) -> PerdureError:
    details = cause.details[0] if cause.details else None
    return _BY_CODE[cause.type or ""](cause.message, details=details)


def _of_value(refused: ErrorValue | None) -> PerdureError:
    assert refused is not None
    return _BY_CODE[refused.code](refused.message, details=refused.details)


def _id(place: TaskPlace, by: str, asked: DecisionIn, key: str | None) -> str:
    """The same for the same decision, so that repeating it is safe."""
    said = (
        [task_id(place), key] if key is not None else [task_id(place), by, asked.verdict, asked.values, asked.comment]
    )
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
