"""From the end of the document's graph to that of the execution: what was done is undone, others are told."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import orjson
from pydantic import JsonValue

from dag.batches import BatchEnd
from dag.errors import ErrorValue, PerdureError
from dag.events import EventType
from dag.invocation import USUAL
from dag.plan import Plan
from interpreter import parting
from interpreter.compensation import Due
from interpreter.failures import dumped, fitting
from interpreter.frames import Frame, Frames
from interpreter.instead import Instead
from interpreter.job import Computed
from interpreter.journal import Journal, Now, shown
from interpreter.lasting import OURS
from interpreter.orders import Invoke, Order, Outcome
from interpreter.outputs import Outputs
from interpreter.parting import Act
from interpreter.reusable import Remember
from interpreter.settling import ends_text
from interpreter.sizes import check_written
from interpreter.start import Carried, Start
from interpreter.undoing import Undoing

ENDINGS: Mapping[str, EventType] = {
    "succeeded": "execution.succeeded",
    "failed": "execution.failed",
    "cancelled": "execution.cancelled",
    "timed_out": "execution.timed_out",
}
COMPENSATION = -1
"""The number of the compensation that runs; there is one at a time."""
PARTING = -3
"""The number of what is done at the very end."""
AT_THE_END = frozenset({COMPENSATION, PARTING})
STOPPED = ErrorValue(code="cancelled", message="The compensation was stopped.")


class Conclusion:
    """Undoes one thing after another, the last one first; then tells others, one after another."""

    def __init__(
        self,
        id: str,
        start: Start,
        plan: Plan,
        at: Carried,
        frames: Frames,
        journal: Journal,
        *,
        now: Now,
        orders: list[Order],
        remember: Remember | None,
    ):
        self._id = id
        self._start = start
        self._plan = plan
        self._at = at
        self._frames = frames
        self._journal = journal
        self._now = now
        self._orders = orders
        self._undoing = Undoing(COMPENSATION, journal, orders, now=now, ended=self._undone, remember=remember)
        self._acts: deque[Act] = deque()
        """What is left to do before the end; the first is under way."""
        self.outcome: Outcome | None = None

    def rehearse(self, instead: Instead | None) -> None:
        """In a test, let what stands in for the world answer."""
        self._undoing.instead = instead

    @property
    def is_known(self) -> bool:
        """Whether it is known how the execution ends."""
        return self.outcome is not None or self._at.outcome is not None

    def finish(self, outcome: Outcome) -> None:
        """The document's graph has ended."""
        due = self._frames.root.due
        if outcome.status == "succeeded" or not due:
            self._tell_others(outcome, self._acts_of(outcome))
        else:
            self._at.outcome = outcome
            self._journal.say("compensation.started", data={"due": len(due)})

    def finish_batch(self, end: BatchEnd) -> None:
        """The batch that this strand is has ended. What it has done is undone, if it must be, with the execution."""
        if not self.is_known:
            self._tell_others(Outcome("succeeded"), [parting.report_of_batch(self._start, end)])

    def finish_with_ends(self, outputs: Outputs) -> None:
        """What the end nodes yield is the output, unless it is too much together."""
        text = ends_text(self._frames.root, outputs)
        try:
            check_written(text)
        except PerdureError as error:
            self.finish(Outcome("failed", error=error.value()))
        else:
            self.finish(Outcome("succeeded", orjson.loads(text)))

    def finish_with(self, output: Computed) -> None:
        """The output that the document says has been computed."""
        if output.kind == "fail":
            self.finish(Outcome("failed", error=fitting(ErrorValue.model_validate(output.value))))
        else:
            self.finish(Outcome("succeeded", output.value))

    def early(self, root: Frame) -> Outcome | None:
        """How the execution ends that yields no output of its graph; None: it does."""
        standing = root.at.standing
        if standing.ending == "cancelled":
            return parting.cancelled()
        if standing.ending == "timed_out":
            message = f"The execution took longer than its timeout of {self._plan.timeout:g} s."
            return Outcome("timed_out", error=ErrorValue(code="timeout.execution", message=message))
        if root.at.error is not None:
            return Outcome("failed", error=root.at.error)
        if standing.failed is not None:
            return Outcome("failed", error=root.at.errors[standing.failed])
        return Outcome("succeeded", self._at.stop_output) if standing.ending == "stopped" else None

    def go_on(self) -> bool:
        """Undo what is next; false when nothing can be done now."""
        outcome = self._at.outcome
        if outcome is None or self._undoing.is_busy or self._acts or self.outcome is not None:
            return False
        if due := self._frames.root.due:
            self._undoing.undo(due[-1])
        else:
            self._journal.say("compensation.ended", data={"status": "failed" if self._at.undone_wrongly else "done"})
            self._tell_others(outcome, self._acts_of(outcome))
        return True

    def succeeded(self, number: int, text: bytes) -> None:
        """What was asked for has been done."""
        if number == COMPENSATION:
            self._undoing.succeeded(text)
        else:
            self._told(execution=orjson.loads(text) if text else None)

    def failed(self, number: int, error: ErrorValue) -> None:
        """What was asked for could not be done; the execution ends all the same."""
        if number == COMPENSATION:
            self._undoing.failed(error)
        else:
            self._told(error)

    def cancelled(self, number: int) -> None:
        """What was asked for was stopped."""
        self.failed(number, STOPPED)

    def lasted(self) -> None:
        """Telling others takes too long for a local activity."""
        self._tell_next(local=False)

    def _undone(self, _: Due, error: ErrorValue | None) -> None:
        """A compensation has ended; whatever came of it, the next one has its turn."""
        self._at.undone_wrongly = self._at.undone_wrongly or error is not None
        self._frames.root.due.pop()

    def _tell_others(self, outcome: Outcome, acts: Iterable[Act]) -> None:
        """It is known how the execution ends, and nothing is left to undo."""
        self._at.outcome = outcome
        self._acts.extend(acts)
        self._tell_next()

    def _acts_of(self, outcome: Outcome) -> Iterator[Act]:
        gate = None if self._at.queued is None else self._at.queued.gate
        return parting.acts(self._id, self._start, self._plan, outcome, gate=gate)

    def _tell_next(self, *, local: bool = True) -> None:
        if self._acts:
            act = self._acts[0]
            self._orders.append(Invoke(PARTING, act.path, None, act.activity, OURS, act.argument, USUAL, local))
        else:
            assert self._at.outcome is not None
            self._end(self._at.outcome)

    def _told(self, error: ErrorValue | None = None, *, execution: JsonValue = None) -> None:
        act = self._acts.popleft()
        if act.kind == "on_failure":
            told: dict[str, JsonValue] = {"workflow": self._plan.on_failure}
            if error is None:
                self._journal.say("on_failure.started", data={**told, "execution": execution})
            else:
                self._journal.say("on_failure.failed", data={**told, "error": dumped(fitting(error))})
        self._tell_next()

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if self._start.strand is not None:
            self._journal.say("strand.ended")
            return
        data = shown("output", outcome.output) if outcome.error is None else {"error": dumped(outcome.error)}
        if self._undoing.instead is not None:
            vars = shown("vars", dict(self._frames.root.at.vars))
            data = {**data, **vars, "duration": self._now.time - self._at.started_at}
        self._journal.say(ENDINGS[outcome.status], data=data)
