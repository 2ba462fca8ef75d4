"""Brings decisions to the executions that ask for them, until each is answered."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

import orjson
from fastapi import Response
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.executions.starting import name_of
from api.json_answers import answer
from api.means import Means
from api.problems import TemporalUnavailable
from api.tasks.finding import Strand, asker
from api.tasks.shapes import DecisionIn
from api.updates import answered
from dag.errors import ErrorValue, PerdureError
from dag.task_ids import TaskPlace, task_id
from dag.task_messages import DECIDE, DECIDED, Answer, Decided, Decision
from dag.task_refusals import REFUSALS, TaskUnknown
from store.tenants import Holder

_BY_CODE: Mapping[str, type[PerdureError]] = {each.code: each for each in REFUSALS}


class DecisionUnheard(TemporalUnavailable):
    """The execution does not answer yet. Repeat the decision: it is made once."""


async def decided(means: Means, caller: Holder, place: TaskPlace, asked: DecisionIn, *, key: str | None) -> Response:
    """Make a decision. Raises what refuses it, and DecisionUnheard."""
    by = asked.by or await name_of(means, caller)
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
    told = await answered(lambda: _made(strand, decision), refusals=_BY_CODE, unheard=DecisionUnheard)
    return answer(asdict(told))


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


def _of_value(refused: ErrorValue | None) -> PerdureError:
    assert refused is not None
    return _BY_CODE[refused.code](refused.message, details=refused.details)


def _id(place: TaskPlace, by: str, asked: DecisionIn, key: str | None) -> str:
    """The same for the same decision, so that repeating it is safe."""
    said = (
        [task_id(place), key] if key is not None else [task_id(place), by, asked.verdict, asked.values, asked.comment]
    )
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
