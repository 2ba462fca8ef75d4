"""A gate: the Temporal workflow that lets as many executions of one workflow and key run at once as may."""

from collections import deque
from collections.abc import Iterable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from dag.concurrency import ADMITTED, ARRIVE, GATE, GONE, LEFT, Arrival, Verdict
from worker.admissions import Act, Admissions, Admit, Reject, Replace

LOOK_EVERY = timedelta(seconds=10)
"""While somebody waits, it is asked whether those inside are still there: an execution that is ended from outside says
nothing."""
LOOK_SHARE = 0.1
"""Seconds by which that is put off for each of them."""
LOOK_AGAIN = timedelta(seconds=5)
"""Before somebody has to wait, or is rejected, the same is asked, unless it has just been."""
LONGEST_LOOK = timedelta(seconds=30)


@workflow.defn(name=GATE)
class Gate:
    """Ends when nobody is inside or waits; the next who comes starts it anew."""

    @workflow.init
    def __init__(self, admissions: Admissions | None = None) -> None:
        self._admissions = admissions or Admissions()
        self._arrived: deque[Arrival] = deque()
        self._left: deque[str] = deque()
        self._looked_at: float | None = None

    @workflow.signal(name=ARRIVE)
    def arrive(self, arrival: Arrival) -> None:
        """An execution wants to run."""
        self._arrived.append(arrival)

    @workflow.signal(name=LEFT)
    def leave(self, execution: str) -> None:
        """An execution has ended, or waits no longer."""
        self._left.append(execution)

    @workflow.query
    def inside(self) -> list[str]:
        """The executions that run."""
        return self._admissions.inside

    @workflow.query
    def queue(self) -> list[str]:
        """Those that wait, the first in turn first."""
        return self._admissions.queue

    @workflow.run
    async def run(self, _: Admissions | None = None) -> None:
        """Let them in as others leave."""
        while True:
            await self._settle()
            if self._arrived or self._left:
                continue
            if self._admissions.is_idle:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._admissions)
            try:
                await workflow.wait_condition(lambda: bool(self._arrived or self._left), timeout=self._patience())
            except TimeoutError:
                await self._look()

    async def _settle(self) -> None:
        while self._left:
            await self._carry_out(self._admissions.leave([self._left.popleft()]))
        while self._arrived:
            arrival = self._arrived.popleft()
            if self._admissions.is_full_for(arrival) and not self._has_just_looked():
                await self._look()
            await self._carry_out(self._admissions.arrive(arrival))

    def _patience(self) -> timedelta | None:
        if not self._admissions.queue:
            return None
        return max(LOOK_EVERY, timedelta(seconds=LOOK_SHARE * len(self._admissions.inside)))

    def _has_just_looked(self) -> bool:
        return self._looked_at is not None and workflow.time() - self._looked_at < LOOK_AGAIN.total_seconds()

    async def _look(self) -> None:
        """Let go of those that have ended without a word."""
        self._looked_at = workflow.time()
        gone = await workflow.execute_local_activity(
            GONE,
            [*self._admissions.inside, *self._admissions.queue],
            result_type=list[str],
            start_to_close_timeout=LONGEST_LOOK,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=5)),
        )
        await self._carry_out(self._admissions.leave(gone))

    async def _carry_out(self, acts: Iterable[Act]) -> None:
        doing = deque(acts)
        while doing:
            act = doing.popleft()
            execution = workflow.get_external_workflow_handle(act.execution)
            try:
                match act:
                    case Admit():
                        await execution.signal(ADMITTED, Verdict(admitted=True))
                    case Reject():
                        await execution.signal(ADMITTED, Verdict(admitted=False))
                    case Replace():
                        await execution.cancel()
            except FailureError:  # it has ended
                doing.extend(self._admissions.leave([act.execution]))
