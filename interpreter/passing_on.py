"""Tells the children that are waited for, and the batches of large loops, when to pause and when to go on; and with
debugging that reaches them, how that stands.

Each is told by signal, with a serial: a word that comes late changes nothing. What these have to say of where they are
held goes the other way by the same activity."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from dag.errors import ErrorValue
from dag.invocation import USUAL
from dag.steering import TELL_OTHERS, Act, Command, Follow, HeldInside, Passing, Pause, Resume, WentOn
from dag.strands import strand_id
from interpreter.constructs.batches import Batched
from interpreter.constructs.calling import Calling
from interpreter.frames import Frames
from interpreter.handing_down import wanted
from interpreter.lasting import OURS
from interpreter.orders import Invoke, Order
from interpreter.pausing import Beyond, Follower, State, target_of
from interpreter.start import Start

PASSING_ON = -6
"""The number of what tells them; there is one at a time."""
PATH = "settings.pause"
"""What it is shown under. No node has this path."""
DEBUGGER = "debugger"
"""Who pauses an execution that is held."""


@dataclass(frozen=True)
class _Target:
    """Who is waited for."""

    name: str
    can_hear: bool
    path: str | None = None
    """Of the node, where it is an execution of its own."""


class PassingOn:
    """Compares what they were told last with how the execution stands."""

    def __init__(self, at: State, frames: Frames, *, orders: list[Order], start: Start):
        self._at = at
        self._frames = frames
        self._orders = orders
        self._around = _around(start)
        """Who is told where this is held."""
        self._order: Invoke | None = None
        """Under way."""
        self._targets: tuple[str, ...] = ()
        self._said: Act = Pause()
        """What is under way."""
        self._command: Command | None = None
        """What was said last, and by whom."""

    def look(self, command: Command | None = None) -> None:
        """Tell those who have not heard how the execution stands."""
        at = self._at
        self._command = command or self._command
        if self._order is not None:
            return
        if at.beyond is not None:
            self._look_beyond(at.beyond)
        elif at.paused or at.told:
            self._look()

    def waits_for(self, target: str) -> bool:
        """Whether something is still waited for."""
        return any(one.name == target for one in self._alive())

    def batch(self) -> str | None:
        """The first batch that runs, if one does."""
        return next((one.name for one in self._alive() if one.path is None), None)

    def succeeded(self, _: int, __: bytes) -> None:
        """They have been told."""
        match self._said:
            case Pause() | Resume():
                told = self._at.told
                told[:] = [one for one in told if one not in self._targets]
                if isinstance(self._said, Pause):
                    told.extend(self._targets)
            case Follow() as said:
                followers = self._followers()
                for target in self._targets:
                    followers.setdefault(target, Follower()).told = said
            case _:
                pass
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

    def _look(self) -> None:
        at = self._at
        alive = {one.name: one.can_hear for one in self._alive()}
        at.told[:] = [one for one in at.told if one in alive]
        targets = tuple(one for one, can_hear in alive.items() if can_hear and (one in at.told) != at.paused)
        if targets:
            self._tell(targets, Pause() if at.paused else Resume())

    def _look_beyond(self, beyond: Beyond) -> None:
        """One word at a time, first of all to who is around; then to all inside who are to hear the same."""
        if beyond.reports_due and self._around is not None:
            self._say((self._around,), beyond.reports_due.pop(0), DEBUGGER, None)
            return
        for target in self._at.told:  # before debugging reached them, they were told to pause
            beyond.followers.setdefault(target, Follower()).told = Follow(paused=True)
        self._at.told.clear()
        alive = [*self._alive()]
        names = {one.name for one in alive} | {beyond.within}
        gone_by = [target for target, each in beyond.followers.items() if target not in names and each.told != Follow()]
        for gone in gone_by:
            del beyond.followers[gone]
        act: Follow | None = None
        targets: list[str] = []
        for one in alive:
            if not one.can_hear:
                continue
            want = wanted(self._at, one.name, one.path)
            follower = beyond.followers.get(one.name)
            # Each is told once whatever it is: it says then where it is held, should that not have been heard.
            if (follower is None or want != follower.told) and act in (None, want):
                act = want
                targets.append(one.name)
        if act is not None:
            self._tell(tuple(targets), act)

    def _tell(self, targets: tuple[str, ...], act: Act) -> None:
        at = self._at
        by, reason = (at.by, at.reason) if at.paused or self._command is None else _who(self._command)
        self._say(targets, act, by, reason)

    def _say(self, targets: tuple[str, ...], act: Act, by: str | None, reason: str | None) -> None:
        at = self._at
        at.spoken += 1
        self._targets, self._said = targets, act
        serial, id = at.spoken, f"{PATH} {at.spoken}"
        if isinstance(act, HeldInside | WentOn):  # who hears that hears others too
            serial, id = 0, f"{PATH} {act.target} {act.hold} {at.spoken}"
        passing = asdict(Passing(PATH, targets, Command(id, by or "", act, reason, serial=serial)))
        self._order = Invoke(PASSING_ON, PATH, None, TELL_OTHERS, OURS, passing, USUAL, local=True)
        self._orders.append(self._order)

    def _followers(self) -> dict[str, Follower]:
        return {} if self._at.beyond is None else self._at.beyond.followers

    def _alive(self) -> Iterator[_Target]:
        """All that are waited for, and whether they can be told something already."""
        for frame in self._frames.all():
            for place, held in frame.at.held.items():
                state = held.state
                if isinstance(state, Calling) and state.waits and state.child is not None and state.end is None:
                    yield _Target(state.child, can_hear=True, path=frame.path(place))
                elif isinstance(state, Batched):
                    beginning = {wish.number for wish in state.wishes if wish.doing == "begin"}
                    for number in state.shares:
                        yield _Target(target_of(state.path, number), can_hear=number not in beginning)


def _around(start: Start) -> str | None:
    """Who is around, as the activity is told that passes words on."""
    if start.strand is not None:
        id = strand_id(start.strand.parent)
        return f"/{id.strand}" if id.strand else id.execution
    if start.parent is not None:
        id = strand_id(start.parent.workflow_id)
        return f"{id.execution}/{id.strand}" if id.strand else id.execution
    return None


def _who(command: Command) -> tuple[str, str | None]:
    return command.by, command.reason
