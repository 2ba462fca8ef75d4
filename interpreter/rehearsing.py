"""Carries out what is particular to an execution that is a test."""

from collections.abc import Callable

from dag.errors import PerdureError
from dag.task_messages import Decision
from dag.testing.mode import Mode
from dag.testing.refusals import DecisionRefused
from interpreter.alarms import Alarms
from interpreter.clock import Progress
from interpreter.computing import Computing
from interpreter.conclusion import Conclusion
from interpreter.frames import Frame, Frames
from interpreter.invoking import Invoking
from interpreter.job import Computed
from interpreter.journal import Now
from interpreter.lasting import Lasting
from interpreter.mocking import Mocking
from interpreter.outputs import Outputs
from interpreter.reusing import Reusing
from interpreter.settling import Settling
from interpreter.start import Carried, Start
from interpreter.starting import Starting
from interpreter.tasks import Tasks
from interpreter.view import View


class Rehearsing:
    """Lets the decisions and events of a test come, and its clock jump."""

    def __init__(
        self,
        test: Mode,
        start: Start,
        at: Carried,
        frames: Frames,
        alarms: Alarms,
        outputs: Outputs,
        settling: Settling,
        starting: Starting,
        invoking: Invoking,
        lasting: Lasting,
        ends: tuple[Conclusion, Reusing],
        computing: Computing,
        view: View,
        tasks: Tasks,
        *,
        now: Now,
        decide: Callable[[Decision], object],
    ):
        self._frames = frames
        self._lasting = lasting
        self._tasks = tasks
        self._decide = decide
        at.test = at.test or Progress(test.skipped)
        self._mocking = Mocking(
            test,
            at.test,
            attempt=start.attempt,
            frames=frames,
            alarms=alarms,
            outputs=outputs,
            settling=settling,
            invoking=invoking,
            computing=computing,
            arriving=lasting.arriving,
            view=view,
            now=now,
        )
        self.answers = self._mocking.answers
        """To Perdure's own activities, for the nodes that wait for them."""
        invoking.instead = starting.instead = lasting.instead = self._mocking
        for undoes in ends:
            undoes.rehearse(self._mocking)

    def begin(self) -> None:
        """The execution begins."""
        self._mocking.begin()

    @property
    def alarm(self) -> float | None:
        """When something comes next that the test injects."""
        return self._mocking.alarm

    def answer(self) -> None:
        """Tell the node that waits for it what came of one of Perdure's own activities."""
        number, answer = self.answers.popleft()
        if (found := self._frames.find(number)) is not None and found[1] in found[0].at.held:
            self._lasting.called(*found, answer)

    def inject(self) -> bool:
        """Let an event or a decision come, if it is time for one."""
        if (event := self._mocking.due_event()) is not None:
            self._lasting.arriving.event(event)
            return True
        if (decision := self._mocking.due_decision()) is None:
            return False
        try:
            self._decide(decision)
        except PerdureError as refused:
            if self._tasks.is_open(decision.path):
                error = DecisionRefused(refused.message).value()
                self._lasting.give_up(*self._tasks.find(decision.path)[:2], error)
        return True

    def rendered(self, frame: Frame, place: int, computed: Computed) -> bool:
        """Whether what was computed is what a mock gives, and is dealt with."""
        if not self._mocking.is_rendering(frame.at.base + place):
            return False
        self._mocking.rendered(frame, place, computed)
        return True

    def skip(self, alarm: float | None) -> bool:
        """Nothing runs: let the clock jump to what is next. False: it is waited for."""
        if not self._mocking.jumps:
            return False
        if alarm is not None:
            self._mocking.skip_to(alarm)
        elif (stuck := self._mocking.waits_in_vain()) is not None:
            self._lasting.give_up(*stuck)
        else:
            return False
        return True
