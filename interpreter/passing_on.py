"""Tells the children that are waited for, and the batches of large loops, when to pause and when to go on.

Each is told by signal, with a serial: a word that comes late changes nothing."""

from dataclasses import asdict, replace

from dag.errors import ErrorValue
from dag.steering import TELL_OTHERS, Command, Passing, Pause, Resume
from interpreter.constructs.batches import Batched
from interpreter.constructs.calling import Calling
from interpreter.frames import Frames
from interpreter.lasting import OURS, USUAL
from interpreter.orders import Invoke, Order
from interpreter.pausing import State, target_of

PASSING_ON = -6
"""The number of what tells them; there is one at a time."""
PATH = "settings.pause"
"""What it is shown under. No node has this path."""


class PassingOn:
    """Compares what they were told last with how the execution stands."""

    def __init__(self, at: State, frames: Frames, *, orders: list[Order]):
        self._at = at
        self._frames = frames
        self._orders = orders
        self._order: Invoke | None = None
        """Under way."""
        self._targets: tuple[str, ...] = ()
        self._pauses = False
        """What is under way."""
        self._command: Command | None = None
        """What was said last, and by whom."""

    def look(self, command: Command | None = None) -> None:
        """Tell those who have not heard how the execution stands."""
        at = self._at
        self._command = command or self._command
        if self._order is not None or not (at.paused or at.told):
            return
        alive = self._alive()
        at.told[:] = [one for one in at.told if one in alive]
        targets = tuple(one for one, can_hear in alive.items() if can_hear and (one in at.told) != at.paused)
        if targets:
            self._tell(targets)

    def succeeded(self, _: int, __: bytes) -> None:
        """They have been told."""
        told = self._at.told
        told[:] = [one for one in told if one not in self._targets]
        if self._pauses:
            told.extend(self._targets)
        self._order = None
        self.look()

    def failed(self, number: int, _: ErrorValue) -> None:
        """They could not be told; to try for ever helps nobody."""
        self.succeeded(number, b"")

    def cancelled(self, number: int) -> None:
        """Telling them was stopped, by an operator."""
        self.succeeded(number, b"")

    def lasted(self) -> None:
        """Telling them takes too long for a local activity."""
        assert self._order is not None
        self._orders.append(replace(self._order, local=False))

    def _tell(self, targets: tuple[str, ...]) -> None:
        at = self._at
        at.spoken += 1
        self._targets, self._pauses = targets, at.paused
        by, reason = (at.by, at.reason) if at.paused or self._command is None else _who(self._command)
        act = Pause() if at.paused else Resume()
        command = Command(f"{PATH} {at.spoken}", by or "", act, reason, serial=at.spoken)
        passing = asdict(Passing(PATH, targets, command))
        self._order = Invoke(PASSING_ON, PATH, None, TELL_OTHERS, OURS, passing, USUAL, local=True)
        self._orders.append(self._order)

    def _alive(self) -> dict[str, bool]:
        """All that are waited for, and whether they can be told something already."""
        found: dict[str, bool] = {}
        for frame in self._frames.all():
            for held in frame.at.held.values():
                state = held.state
                if isinstance(state, Calling) and state.waits and state.child is not None and state.end is None:
                    found[state.child] = True
                elif isinstance(state, Batched):
                    beginning = {wish.number for wish in state.wishes if wish.doing == "begin"}
                    found.update((target_of(state.path, number), number not in beginning) for number in state.shares)
        return found


def _who(command: Command) -> tuple[str, str | None]:
    return command.by, command.reason
