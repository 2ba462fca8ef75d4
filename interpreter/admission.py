"""Whether an execution may run yet: where its workflow limits how many do at once, a gate says so."""

from collections.abc import Callable
from dataclasses import asdict

import orjson
from pydantic import JsonValue

from dag.concurrency import ENTER, Entering, Verdict
from dag.errors import ErrorValue, PerdureError
from dag.invocation import USUAL
from dag.plan import Plan
from interpreter.computing import Computing
from interpreter.failures import fitting
from interpreter.frames import Frame
from interpreter.job import Computed, Job, error_of
from interpreter.journal import Journal, Now
from interpreter.lasting import OURS
from interpreter.orders import Evaluate, Invoke, Order, Outcome
from interpreter.parting import LIMIT, cancelled
from interpreter.start import Queued
from interpreter.view import View

SILENCE = 3_600.0
"""Seconds after which a silent gate is asked again."""
ADMISSION = -4
"""The number of what is computed for it, and of what is asked."""


class TooManyAtOnce(PerdureError):
    """As many executions of the workflow run as may at once."""

    code = "limit.concurrency"


STOPPED = ErrorValue(code="cancelled", message="Asking whether the execution may run was stopped.")


class Admission:
    """Asks the gate, and waits for what it says."""

    def __init__(
        self,
        plan: Plan,
        at: Queued | None,
        view: View,
        computing: Computing,
        journal: Journal,
        orders: list[Order],
        *,
        now: Now,
        start: Callable[[], None],
        end: Callable[[Outcome], None],
    ):
        self._plan = plan
        self._at = at or Queued()
        self._view = view
        self._computing = computing
        self._journal = journal
        self._orders = orders
        self._now = now
        self._start = start
        self._end = end

    def begin(self, root: Frame) -> Queued:
        """Compute the key by which executions count together, and come to the gate."""
        assert self._plan.concurrency is not None
        key = self._plan.concurrency.key
        if key is None:
            self._ask(None)
            return self._at
        job, scope = Job("transform", key), self._view.scope(root, self._plan.concurrency.key_sees)
        computed = self._computing.compute(job, scope, salt=b"concurrency")
        if isinstance(computed, Computed):
            self.computed(computed)
        else:
            path = f"{self._plan.workflow} concurrency"
            self._computing.send(Evaluate(ADMISSION, path, None, of_node=False, job=job, scope=scope, moment=computed))
        return self._at

    @property
    def is_before(self) -> bool:
        """Whether the execution does not run yet."""
        return self._at.is_before

    @property
    def alarm(self) -> float | None:
        """When to ask again, of a gate that has been silent for long: somebody may have ended it."""
        return self._at.ask_at if self._at.stage == "waiting" else None

    def rang(self) -> None:
        """The time has come."""
        self._order(local=True)

    def computed(self, computed: Computed) -> None:
        """The key has been computed."""
        if self._at.cancelled:
            self._leave()
        elif computed.kind == "fail":
            self._fail(error_of(computed))
        else:
            self._ask(computed.value)

    def succeeded(self, _: int, text: bytes) -> None:
        """The gate knows of it."""
        self._at.gate, self._at.stage = orjson.loads(text), "waiting"
        if self._at.admitted is None and not self._at.cancelled:
            assert self._plan.concurrency is not None
            if self._at.ask_at is None:
                self._journal.say("execution.queued", data={"limit": self._plan.concurrency.limit})
            self._at.ask_at = self._now.time + SILENCE
        self._go_on()

    def failed(self, _: int, error: ErrorValue) -> None:
        """The gate could not be asked."""
        self._fail(error)

    def cancelled(self, number: int) -> None:
        """Asking was stopped, by an operator."""
        if self._at.stage == "asking":
            self.failed(number, STOPPED)

    def lasted(self) -> None:
        """Asking takes too long for a local activity."""
        self._order(local=False)

    def heard(self, verdict: Verdict) -> None:
        """The gate has decided. It may say so again."""
        if self._at.is_before:
            self._at.admitted = verdict.admitted
            self._go_on()

    def cancel(self) -> None:
        """The execution is to end before it runs."""
        self._at.cancelled = True
        if self._at.stage == "computing":
            self._computing.call_off(ADMISSION)
            self._leave()
        else:
            self._go_on()

    def _ask(self, key: JsonValue) -> None:
        self._at.key = key
        self._order(local=True)

    def _order(self, *, local: bool) -> None:
        limit = self._plan.concurrency
        assert limit is not None
        self._at.stage = "asking"
        asked = asdict(Entering(LIMIT, self._plan.workflow, self._at.key, limit.limit, limit.on_limit))
        self._orders.append(Invoke(ADMISSION, LIMIT, None, ENTER, OURS, asked, USUAL, local))

    def _go_on(self) -> None:
        if self._at.stage != "waiting":
            return
        if self._at.cancelled:
            self._leave()
        elif self._at.admitted:
            self._at.stage = "inside"
            self._start()
        elif self._at.admitted is False:
            assert self._plan.concurrency is not None
            limit = self._plan.concurrency.limit
            message = f"{limit:,} executions of the workflow run, which is as many as may at once."
            self._fail(TooManyAtOnce(message).value())

    def _fail(self, error: ErrorValue) -> None:
        self._at.stage = "away"
        self._end(Outcome("failed", error=fitting(error)))

    def _leave(self) -> None:
        self._at.stage = "away"
        self._end(cancelled())
