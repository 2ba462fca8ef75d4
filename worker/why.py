"""Says why a condition held or did not: the history is replayed up to where it was asked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from dag.strands import StrandId, strand_id, strands_of
from dag.testing.places import definition_path
from dag.why import WHY, Answer, Asking, Because, ConditionMissing, ConditionNotAsked, ReplayTooLong
from interpreter.compensation import Due
from interpreter.explaining import Asked, explained, has_condition
from interpreter.plans import decoded
from interpreter.reusable import Reusable
from interpreter.times import iso
from runtime.again import TooOld
from runtime.executions import begun
from store.node_run_reading import NodeRunUnknown
from worker.healing import DECIDED
from worker.histories import Incomplete, histories
from worker.own_attempt import own_attempt
from worker.question import LONGEST
from worker.replaying import replayer

AT_ONCE = 2
"""Questions that one worker looks into: the others wait."""
ATTEMPTS = 20
"""Of an execution, the last ones are looked through."""

Activity = Callable[..., Awaitable[object]]


def why_activities(client: Client) -> Sequence[Activity]:
    """Make the activity."""
    slots = asyncio.Semaphore(AT_ONCE)

    @activity.defn(name=WHY)
    async def why(asked: Asking) -> Answer:
        """Find out why."""
        tenant = strand_id(str(activity.info().workflow_id)).tenant
        async with own_attempt(asked.path), slots:
            try:
                async with asyncio.timeout(LONGEST.total_seconds()):
                    return await _answer(client, StrandId(tenant, asked.execution), asked)
            except TimeoutError:
                return Answer(refused=ReplayTooLong.code)

    return [why]


async def _answer(client: Client, execution: StrandId, asked: Asking) -> Answer:
    refused = TooOld.code
    for name in strands_of(asked.path):
        answer = await _answer_of(client, replace(execution, strand=name), asked)
        if answer.because is not None or answer.refused in (ConditionMissing.code, NodeRunUnknown.code):
            return answer
        if answer.refused == ConditionNotAsked.code:
            refused = ConditionNotAsked.code
    return Answer(refused=refused)


async def _answer_of(client: Client, strand: StrandId, asked: Asking) -> Answer:
    """What one strand knows: of its last attempt in which the condition was asked."""
    try:
        run = (await client.get_workflow_handle(str(strand)).describe()).run_id
        for _ in range(ATTEMPTS):
            start = (found := await begun(client, client.get_workflow_handle(str(strand), run_id=run))).start
            if definition_path(decoded(found.plan.payload.data).graph, asked.path) is None:
                return Answer(refused=NodeRunUnknown.code)
            witness = Witness(asked)
            async for history in histories(client, str(strand), run, whole=True):
                await witness.replay(client, history)
            if witness.seen:
                return await asyncio.to_thread(_because, witness.seen, start.attempt)
            if start.again is None or start.again.execution != strand.execution or not start.again.run:
                break
            run = start.again.run
    except Incomplete:
        return Answer(refused=TooOld.code)
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        return Answer(refused=TooOld.code)
    return Answer(refused=ConditionNotAsked.code)


def _because(seen: Sequence[Asked], attempt: int) -> Answer:
    asked = [each for each in seen if has_condition(each)]
    if not asked:
        return Answer(refused=ConditionMissing.code)
    conditions = [condition for each in asked for condition in explained(each)]
    return Answer(Because(attempt, iso(asked[-1].moment.now_ms / 1000), conditions))


class Witness:
    """Keeps what the conditions of one node saw as they were last asked, or as they were asked about one turn."""

    def __init__(self, asked: Asking):
        self._asked = asked
        self._start: Asked | None = None
        self._turn: Asked | None = None
        self._decided = False

    @property
    def seen(self) -> list[Asked]:
        """In the order in which it was asked."""
        if self._asked.turn is not None:
            return [] if self._turn is None else [self._turn]
        return [each for each in (self._start, self._turn) if each is not None]

    async def replay(self, client: Client, history: WorkflowHistory) -> None:
        """See one run."""
        self._decided = history.events[-1].event_type in DECIDED
        await replayer(client, lambda event, replaying: None, remember=self).replay_workflow(history)

    def computes(self, path: str, asked: Callable[[], Asked]) -> None:
        """Keep it, if it is what is wanted and has happened: what an open run would go on to do has not."""
        if path != self._asked.path or not (self._decided or workflow.unsafe.is_replaying()):
            return
        found = asked()
        if found.job.type == "?":
            if self._asked.turn in (None, found.turn):
                self._turn = found
        elif found.job.type != "compensate":
            self._start, self._turn = found, None

    def took_over(self, found: Reusable) -> None:
        """Of no interest here, like all that follows."""

    def succeeded(self, path: str, type: str, port: str | None, output: bytes) -> None:
        """A node has ended."""

    def owes(self, due: Due) -> None:
        """A node is to be undone."""

    def undone(self, path: str) -> None:
        """A node has been undone."""
