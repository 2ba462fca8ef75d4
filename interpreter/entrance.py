"""What stands before an execution: other workflows that have to succeed, then the gate of its own."""

from collections.abc import Callable, Mapping

from dag.concurrency import Verdict
from dag.dependencies import Success
from dag.plan import Plan
from interpreter.admission import ADMISSION, Admission
from interpreter.computing import Computing
from interpreter.dependencies import DEPENDENCIES, Dependencies
from interpreter.frames import Frame
from interpreter.job import Computed
from interpreter.journal import Journal, Now
from interpreter.orders import Order, Outcome
from interpreter.start import Carried, Start
from interpreter.view import View


class Entrance:
    """Lets an execution run once nothing stands before it."""

    def __init__(
        self,
        plan: Plan,
        start: Start,
        at: Carried,
        view: View,
        computing: Computing,
        journal: Journal,
        orders: list[Order],
        root: Frame,
        *,
        now: Now,
        run: Callable[[], None],
        end: Callable[[Outcome], None],
    ):
        self._plan = plan
        self._start = start
        self._at = at
        self._root = root
        self._run = run
        self._dependencies = Dependencies(
            start.awaits, at.depends, journal, orders, now=now, start=self._come_to_gate, end=end
        )
        self._admission = Admission(plan, at.queued, view, computing, journal, orders, now=now, start=run, end=end)
        self.asides: Mapping[int, Admission | Dependencies] = {
            ADMISSION: self._admission,
            DEPENDENCIES: self._dependencies,
        }
        """What it asks outside, by number."""

    def begin(self) -> None:
        """Come before it."""
        if self._start.awaits:
            self._at.depends = self._dependencies.begin()
        else:
            self._come_to_gate()

    @property
    def is_before(self) -> bool:
        """Whether the execution does not run yet."""
        return self._depends or (self._at.queued is not None and self._at.queued.is_before)

    @property
    def was_before(self) -> bool:
        """Whether anything stood before it."""
        return self._at.queued is not None or self._at.depends is not None

    @property
    def alarm(self) -> float | None:
        """When to ask again."""
        if not self.was_before:
            return None
        return self._dependencies.alarm if self._depends else self._admission.alarm

    def rang(self) -> None:
        """The time has come."""
        (self._dependencies if self._depends else self._admission).rang()

    def computed(self, computed: Computed) -> None:
        """What the gate goes by has been computed."""
        self._admission.computed(computed)

    def heard(self, told: Verdict | Success) -> None:
        """Word has come by signal."""
        if isinstance(told, Verdict):
            self._admission.heard(told)
        else:
            self._dependencies.heard()

    def cancel(self) -> None:
        """The execution is to end before it runs."""
        (self._dependencies if self._depends else self._admission).cancel()

    @property
    def _depends(self) -> bool:
        return self._at.depends is not None and self._at.depends.stage != "over"

    def _come_to_gate(self) -> None:
        if self._plan.concurrency is not None:
            self._at.queued = self._admission.begin(self._root)
        else:
            self._run()
