"""How debugging reaches over strands and executions: what is said of holds and steps to who is around, and by who is
inside."""

from dataclasses import replace
from typing import Literal

from dag.steering import Command, Follow, Held, HeldInside, WentOn
from interpreter import edits
from interpreter.frames import Frames
from interpreter.handing_down import give_step
from interpreter.passing_on import PassingOn
from interpreter.pausing import GOES_ON, Beyond, Follower, State, Stepping, target_of
from interpreter.start import Start


class Reaching:
    """Keeps what is known of holds and steps elsewhere."""

    def __init__(self, execution: str, start: Start, at: State, frames: Frames, passing_on: PassingOn):
        self._execution = execution
        self._start = start
        self._at = at
        self._frames = frames
        self._passing_on = passing_on

    def begin(self, *, reports: bool = False) -> Beyond:
        """From now on debugging reaches others, if it did not."""
        beyond = self._at.beyond = self._at.beyond or Beyond()
        beyond.reports = beyond.reports or reports
        return beyond

    def report(self, held: Held) -> None:
        """This is held: who is around is told, if it wants to know."""
        beyond = self._at.beyond
        if beyond is None:
            return
        beyond.holds += 1
        self._report(beyond, held)

    def report_again(self) -> None:
        """Nobody has let go on what is held."""
        beyond, held = self._at.beyond, self._at.held
        if beyond is not None and held is not None:
            self._report(beyond, held)

    def went_on(self) -> None:
        """Somebody has let this go on, by itself."""
        beyond = self._at.beyond
        if beyond is not None and beyond.reports and self._start.strand is None:
            beyond.reports_due.append(WentOn(self._own, self._hold(beyond)))

    def release(self) -> None:
        """What is held inside goes on."""
        beyond = self._at.beyond
        if beyond is not None and beyond.within is not None:
            beyond.followers.setdefault(beyond.within, Follower()).releases = beyond.hold
            beyond.within = beyond.hold = None

    def is_released(self, act: Follow) -> bool:
        """Whether who is around lets go on what is held here."""
        at = self._at
        return at.beyond is not None and at.held is not None and act.releases == self._hold(at.beyond)

    def hears(self, act: HeldInside) -> bool:
        """Whether a hold inside is this strand's from now on. One that comes while something else is held is told again
        when that goes on; one of who is not waited for yet is kept until it is."""
        at, beyond = self._at, self._at.beyond
        if beyond is None:
            return False
        if not self._passing_on.waits_for(act.target):
            beyond.early[act.target] = act
            return False
        if at.paused and beyond.within != act.target:
            return False
        if beyond.stepping not in (None, act.target) or self._is_known(beyond, act):
            return False
        beyond.within, beyond.hold, beyond.stepping = act.target, act.hold, None
        return True

    def early(self) -> list[HeldInside]:
        """Holds that came before who is held was waited for, as it is now."""
        early = {} if self._at.beyond is None else self._at.beyond.early
        return [early.pop(target) for target in [*early] if self._passing_on.waits_for(target)]

    def is_let_go(self, act: WentOn) -> bool:
        """Whether somebody has let go on what is held inside."""
        beyond = self._at.beyond
        if beyond is None:
            return False
        if (early := beyond.early.get(act.target)) is not None and early.hold == act.hold:
            del beyond.early[act.target]
        return (beyond.within, beyond.hold) == (act.target, act.hold)

    def give_step(self, mode: Literal["over", "into"], *, starts: bool = True) -> None:
        """A step goes on where the hold is; else in the graphs of this strand, if nodes of it are ready; else in a
        batch. With `starts` unset it holds before the next node."""
        at, beyond = self._at, self._at.beyond
        own = Stepping(mode) if starts else Stepping("into", base=GOES_ON)
        if beyond is None:
            at.stepping = own
            return
        target = beyond.within
        if target is None and next(self._frames.upcoming(), None) is None:
            target = self._passing_on.batch()
        if target is None:
            at.stepping = own
        else:
            at.stepping = None
            give_step(beyond, target, mode, starts=starts)

    @property
    def is_stepping(self) -> bool:
        """Whether a step goes on inside, and nothing moves here. Where it has come to an end there, it goes on."""
        beyond = self._at.beyond
        if beyond is None or beyond.stepping is None:
            return False
        if not self._passing_on.waits_for(beyond.stepping):
            beyond.stepping = None
            self.give_step("into", starts=False)
            self._passing_on.look()
        return beyond.stepping is not None

    def edited(self, command: Command, path: str) -> None:
        """Variables were given other values: batches have copies of them."""
        if (beyond := self._at.beyond) is not None:
            act = command.act
            assert act.do == "edit"
            beyond.edits = {**beyond.edits, path: {**beyond.edits.get(path, {}), **act.values}}

    def follow(self, act: Follow) -> Beyond:
        """Take note of how who is around is debugged."""
        beyond = self.begin(reports=bool(act.breakpoints or act.step))
        beyond.breakpoints = {each.node: each for each in act.breakpoints}
        for path, values in act.edits.items():
            edits.copy(self._frames, path, values)
        beyond.edits = {**beyond.edits, **act.edits}  # for batches inside this one
        return beyond

    def _report(self, beyond: Beyond, held: Held) -> None:
        if beyond.reports:
            parent = None if self._start.strand is not None else self._start.parent
            if parent is not None:
                path, where = f"{parent.path}.{held.path}", held.execution or self._execution
                held = replace(held, path=path, execution=where)
            beyond.reports_due.append(HeldInside(self._own, self._hold(beyond), held))
            self._passing_on.look()

    def _is_known(self, beyond: Beyond, act: HeldInside) -> bool:
        """What is said again may cross the word that lets it go on."""
        follower = beyond.followers.get(act.target)
        return act.hold == beyond.hold or (follower is not None and act.hold == follower.releases)

    def _hold(self, beyond: Beyond) -> str:
        return f"{self._start.attempt}.{beyond.holds}"

    @property
    def _own(self) -> str:
        """What it is called by who is around."""
        strand = self._start.strand
        return self._execution if strand is None else target_of(strand.batch.path, strand.batch.number)
