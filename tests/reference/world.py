"""Virtual time: of everything that is under way, what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.reference.script import Ending, Raises, Returns, Script


@dataclass(frozen=True)
class Settles:
    """A node that was running comes to its end."""

    node: str
    ending: Ending


@dataclass(frozen=True)
class Ends:
    """Somebody cancels the execution, or its time is up."""

    why: Literal["cancelled", "timed_out"]


Happening = Settles | Ends


@dataclass
class World:
    """What is under way, by name; two things due at the same time come in the order of `ranks`."""

    script: Script
    ranks: Mapping[str, int]
    now: float = 0
    due: dict[str, tuple[float, Happening]] = field(default_factory=dict[str, tuple[float, Happening]])

    def will_end(self, why: Literal["cancelled", "timed_out"], *, at: float) -> None:
        """At a time, whatever happens, the execution ends."""
        self.due[why] = (at, Ends(why))

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

    def ask_to_stop(self, node: str) -> None:
        """From here on the activity does what the script says of one that was asked to stop."""
        behaviour = self.script.behaviour(node)
        self.due[node] = (self.now + behaviour.answers_after, Settles(node, behaviour.answers))

    def forget(self, node: str) -> None:
        """A delay is called off."""
        del self.due[node]

    def next(self) -> Happening | None:
        """Moves the clock to whatever comes first; None when nothing is under way."""
        if not self.due:
            return None
        first = min(self.due, key=lambda name: (self.due[name][0], self.ranks.get(name, -1)))
        self.now, happening = self.due.pop(first)
        return happening
