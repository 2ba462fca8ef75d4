"""Virtual time: of everything that is under way, what comes next."""

from dataclasses import dataclass, field
from typing import Literal

from tests.reference.document import Document
from tests.reference.paths import Rank, rank_of
from tests.reference.script import Ending, Raises, Returns, Script


@dataclass(frozen=True)
class Settles:
    """A node that was running comes to its end."""

    node: str
    ending: Ending


@dataclass(frozen=True)
class TimesOut:
    """The time of a node is up that holds others."""

    node: str


@dataclass(frozen=True)
class Ends:
    """Somebody cancels the execution, or its time is up, or that of what it still does after its end."""

    why: Literal["cancelled", "timed_out", "overdue"]


Happening = Settles | TimesOut | Ends


@dataclass
class World:
    """What is under way, by path; of two things due at the same time the one written first comes first."""

    script: Script
    document: Document
    now: float = 0
    due: dict[str, tuple[float, Happening]] = field(default_factory=dict[str, tuple[float, Happening]])

    def will_end(self, why: Literal["cancelled", "timed_out", "overdue"], *, at: float) -> None:
        """At a time, whatever happens, the execution ends."""
        self.due[f".{why}"] = (at, Ends(why))

    def start_activity(self, node: str) -> None:
        """It does what the script says."""
        behaviour = self.script.behaviour(node)
        self.due[node] = (self.now + behaviour.takes, Settles(node, behaviour.ends))

    def start_delay(self, node: str, duration: float, *, timeout: float | None) -> None:
        """It returns when its time has come, or fails when its timeout is shorter."""
        if timeout is not None and timeout <= duration:
            self.due[node] = (self.now + timeout, Settles(node, Raises("timeout.node")))
        else:
            self.due[node] = (self.now + duration, Settles(node, Returns()))

    def start_clock(self, node: str, timeout: float) -> None:
        """Unless it is forgotten before, the node's time is up then."""
        self.due[node] = (self.now + timeout, TimesOut(node))

    def ask_to_stop(self, node: str) -> None:
        """From here on the activity does what the script says of one that was asked to stop."""
        behaviour = self.script.behaviour(node)
        self.due[node] = (self.now + behaviour.answers_after, Settles(node, behaviour.answers))

    def forget(self, node: str) -> None:
        """A delay or a clock is called off."""
        self.due.pop(node, None)

    @property
    def is_idle(self) -> bool:
        """Whether no node is under way."""
        return all(name.startswith(".") for name in self.due)

    def next(self) -> Happening | None:
        """Moves the clock to whatever comes first; None when nothing is under way."""
        if not self.due:
            return None
        first = min(self.due, key=lambda name: (self.due[name][0], self._rank(name)))
        self.now, happening = self.due.pop(first)
        return happening

    def _rank(self, name: str) -> Rank:
        return () if name.startswith(".") else rank_of(name, self.document)
