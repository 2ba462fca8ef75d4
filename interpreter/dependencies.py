"""Whether an execution may run yet: where its workflow depends on others, those have to succeed before."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import orjson
from pydantic import JsonValue

from dag.dependencies import AWAIT, Awaited, Awaiting, unmet
from dag.errors import ErrorValue
from dag.invocation import USUAL
from interpreter.journal import Journal, Now
from interpreter.lasting import OURS
from interpreter.orders import Invoke, Order, Outcome
from interpreter.parting import cancelled
from interpreter.start import Depending
from interpreter.times import iso

SILENCE = 3_600.0
"""Seconds after which it is asked again, unless word has come: a success may have been told to nobody."""
DEPENDENCIES = -5
"""The number of what is asked."""
PATH = "settings.dependencies"
"""Where in the journal and in Temporal it stands. No node has this path."""
STOPPED = ErrorValue(code="cancelled", message="Asking what the execution waits for was stopped.")


class Dependencies:
    """Asks what has succeeded, and waits for word of the rest."""

    def __init__(
        self,
        awaited: Sequence[Awaited],
        at: Depending | None,
        journal: Journal,
        orders: list[Order],
        *,
        now: Now,
        start: Callable[[], None],
        end: Callable[[Outcome], None],
    ):
        self._awaited = tuple(awaited)
        self._at = at or Depending()
        self._journal = journal
        self._orders = orders
        self._now = now
        self._start = start
        self._end = end

    def begin(self) -> Depending:
        """Begin to wait."""
        self._at.since = self._now.time
        limits = [self._at.since + each.at_most for each in self._awaited if each.at_most is not None]
        said: dict[str, JsonValue] = {"dependencies": [each.workflow for each in self._awaited]}
        self._journal.say("execution.queued", data=said | ({"until": iso(min(limits))} if limits else {}))
        self._order(local=True)
        return self._at

    @property
    def alarm(self) -> float | None:
        """When to ask again, or to give up."""
        if self._at.stage != "waiting":
            return None
        return min([self._at.ask_at, *(until for _, until in self._limits())])

    def rang(self) -> None:
        """The time has come."""
        late = sorted(name for name, until in self._limits() if until <= self._now.time)
        if late:
            self._leave(Outcome("failed", error=unmet(late).value()))
        else:
            self._order(local=True)

    def heard(self) -> None:
        """Something has succeeded."""
        if self._at.stage == "asking":
            self._at.heard = True
        elif self._at.stage == "waiting":
            self._order(local=True)

    def succeeded(self, _: int, text: bytes) -> None:
        """It is known what has not succeeded yet."""
        self._at.unmet = orjson.loads(text)
        if self._at.cancelled:
            self._leave(cancelled())
        elif not self._at.unmet:
            self._at.stage = "over"
            self._start()
        elif self._at.heard:  # perhaps after it was asked
            self._order(local=True)
        else:
            self._at.stage, self._at.ask_at = "waiting", self._now.time + SILENCE

    def failed(self, _: int, error: ErrorValue) -> None:
        """It could not be asked."""
        self._leave(Outcome("failed", error=error))

    def cancelled(self, number: int) -> None:
        """Asking was stopped, by an operator."""
        if self._at.stage == "asking":
            self.failed(number, STOPPED)

    def lasted(self) -> None:
        """Asking takes too long for a local activity."""
        self._order(local=False)

    def cancel(self) -> None:
        """The execution is to end before it runs."""
        self._at.cancelled = True
        if self._at.stage == "waiting":
            self._leave(cancelled())

    def _limits(self) -> Sequence[tuple[str, float]]:
        """Until when each that has not succeeded is waited for, where there is a limit."""
        return [
            (each.workflow, self._at.since + each.at_most)
            for each in self._awaited
            if each.at_most is not None and each.workflow in self._at.unmet
        ]

    def _order(self, *, local: bool) -> None:
        self._at.stage, self._at.heard = "asking", False
        asked = asdict(Awaiting(PATH, self._awaited))
        self._orders.append(Invoke(DEPENDENCIES, PATH, None, AWAIT, OURS, asked, USUAL, local))

    def _leave(self, outcome: Outcome) -> None:
        self._at.stage = "over"
        self._end(outcome)
