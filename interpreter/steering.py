"""Who may start: gates in front of starting a node, which pauses, breakpoints and steps close and open.

Pause holds the start of nodes only: what runs goes on, what ends has its consequences, and clocks run on."""

import zlib
from collections.abc import Callable
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.events import EventType
from dag.expressions import Moment
from dag.steering import (
    Breakpoint,
    Cancelling,
    Clear,
    Command,
    Disable,
    Edit,
    Enable,
    Follow,
    Held,
    HeldInside,
    Pause,
    Resume,
    Set,
    Skip,
    Steered,
    StepOn,
    WentOn,
)
from dag.steering_refusals import BreakpointUnknown, ExecutionNotHeld
from interpreter import breakpoints, edits, skips
from interpreter.failures import dumped
from interpreter.frames import Frame, Frames
from interpreter.journal import Journal, Now, shown
from interpreter.passing_on import DEBUGGER, PassingOn
from interpreter.pausing import GOES_ON, START, State, Stepping, as_told, heeded, remember
from interpreter.places import graph_of
from interpreter.reaching import Reaching
from interpreter.settling import Settling
from interpreter.start import Start
from interpreter.view import View

ENDS = "The execution comes to its end."


class Steering:
    """Knows what may start, and does what is asked of a running execution."""

    def __init__(
        self,
        start: Start,
        at: State,
        frames: Frames,
        settling: Settling,
        journal: Journal,
        view: View,
        passing_on: PassingOn,
        *,
        now: Now,
        execution: str,
        seed: int,
        is_queued: Callable[[], bool],
        has_ended: Callable[[], bool],
    ):
        self._is_batch = start.strand is not None
        self._debug = start.debug
        self._at = at
        self._frames = frames
        self._settling = settling
        self._journal = journal
        self._view = view
        self._passing_on = passing_on
        self._reaching = Reaching(execution, start, at, frames, passing_on)
        self._now = now
        self._seed = seed
        self._is_queued = is_queued
        self._has_ended = has_ended
        settling.failures = at.failures
        settling.skipping = at.skipping
        settling.holds_failure = self._holds_failure
        for number in at.failures:
            skips.note(frames, number)

    def begin(self) -> None:
        """The execution begins, perhaps to be debugged."""
        debug, at = self._debug, self._at
        if debug is None or self._is_batch:  # a batch goes by what it was begun with
            return
        breakpoints = {each.node: each for each in debug.breakpoints}
        if debug.reaches:
            beyond = self._reaching.begin(reports=debug.around)
            if debug.around:
                beyond.breakpoints = breakpoints
        if not debug.around:
            at.debugging, at.breakpoints = True, breakpoints
        if debug.hold:
            at.stepping = Stepping("into", base=GOES_ON if debug.around else START)

    def take(self, *, calls: bool) -> tuple[Frame, int] | None:
        """The next node to start, now running, if one may."""
        at = self._at
        if not (at.paused or at.debugging or at.stepping or at.failures or at.beyond):
            return self._frames.take(calls=calls)
        if self._is_ending:
            self.let_go()
        if at.paused or self._reaching.is_stepping:
            return None
        if not (at.debugging or at.stepping or at.beyond):
            return self._frames.take(calls=calls)
        return self._frames.take(calls=calls, holds=self._holds)

    def check(self, command: Command) -> None:
        """Raises what refuses a command; nothing has changed then."""
        if command.id in self._at.answers:
            return
        match command.act:
            case Skip(path):
                skips.check(self._frames, path)
            case Edit(values, path):
                edits.check(self._frames, path, values)
            case StepOn() if not self._at.paused:
                raise ExecutionNotHeld
            case Set(breakpoint):
                breakpoints.check(breakpoint, self._at.breakpoints)
            case Clear(node) if node not in self._at.breakpoints:
                raise BreakpointUnknown
            case _:
                pass

    def steer(self, command: Command) -> Steered:
        """Do what is asked; once for each id. Raises what refuses it."""
        at = self._at
        if (told := at.answers.get(command.id)) is not None:
            return told
        if command.serial:
            if command.serial <= at.heard:  # it was overtaken by what was said later
                return as_told(at)
            at.heard = command.serial
        self.check(command)
        self._do(command)
        told = as_told(at)
        remember(at, command.id, told)
        return told

    def cancelling(self) -> None:
        """A cancel has come: it is told who asked for it, where that was said."""
        if self._at.cancelled_by is not None:
            self._tell("execution.cancelling", self._at.cancelled_by, self._at.cancelled_for)

    def let_go(self) -> None:
        """The execution comes to its end: nothing holds that."""
        at = self._at
        at.debugging, at.stepping, at.passing = False, None, None
        if at.beyond is not None:
            at.beyond.breakpoints, at.beyond.stepping, at.beyond.reports = {}, None, False
        if at.paused:
            at.paused, at.held = False, None
            self._tell("execution.resumed", None, ENDS)
        if self._is_ending:  # those that were not asked to stop have their consequences
            self._settle_failures()

    def joined(self) -> None:
        """Another may be waited for from now on."""
        for act in self._reaching.early():
            self._hear(act)
        self._passing_on.look()

    @property
    def state(self) -> Steered:
        """How it stands."""
        return as_told(self._at)

    @property
    def _is_ending(self) -> bool:
        return self._frames.root.at.standing.ending is not None or self._has_ended()

    def _do(self, command: Command) -> None:
        at, act = self._at, command.act
        if command.reaches and isinstance(act, Enable | StepOn | Set):
            self._reaching.begin()
        match act:
            case Pause():
                self._pause(command)
            case Resume():
                self._resume(command)
            case Follow():
                self._follow(command, act)
            case HeldInside():
                self._hear(act)
            case WentOn():
                if self._reaching.is_let_go(act):
                    self._resume(command)
            case Cancelling():
                if at.cancelled_by is None:
                    at.cancelled_by, at.cancelled_for = command.by, command.reason
            case Skip(path):
                self._journal.say("node.skipping", path, _who(command))
                skips.skip(self._frames, self._settling, path)
            case Edit(values, path):
                edits.edit(self._frames, path, values)
                self._journal.say("variables.edited", path, {**shown("values", values), **_who(command)})
                self._reaching.edited(command, path)
            case Enable():
                self._debugs(command, debugging=True)
            case Disable():
                self._debugs(command, debugging=False)
                if at.held is not None:
                    self._resume(command)
            case StepOn(mode):
                self._step(command, mode)
            case Set(breakpoint):
                self._debugs(command, debugging=True)
                at.breakpoints[breakpoint.node] = breakpoint
                told = {"node": breakpoint.node, "condition": breakpoint.condition, "on_error": breakpoint.on_error}
                self._journal.say("debug.breakpoint_set", data={**told, **_who(command)})
            case Clear(node):
                del at.breakpoints[node]
                self._journal.say("debug.breakpoint_cleared", data={"node": node, **_who(command)})
        if at.beyond is not None:
            self._passing_on.look(command)

    def _hear(self, act: HeldInside) -> None:
        if not self._is_ending and self._reaching.hears(act):
            self._hold(act.held, inside=True)

    def _pause(self, command: Command) -> None:
        at = self._at
        at.stepping = None
        if at.beyond is not None:
            at.beyond.stepping = None
        if not at.paused and not self._is_ending:
            at.paused, at.by, at.reason = True, command.by, command.reason
            self._tell("execution.paused", command.by, command.reason)
            self._passing_on.look(command)

    def _resume(self, command: Command) -> None:
        at = self._at
        if not at.paused:
            return
        at.paused, at.by, at.reason = False, None, None
        self._tell("execution.resumed", command.by, command.reason)
        if at.held is not None and isinstance(command.act, Resume | Disable) and not command.serial:
            self._reaching.went_on()
        self._reaching.release()
        self._passing_on.look(command)
        at.held = None
        self._settle_failures()

    def _step(self, command: Command, mode: Literal["over", "into"]) -> None:
        at = self._at
        failed = next((found for number in at.failures if (found := self._frames.find(number)) is not None), None)
        if failed is not None:  # the step begins there, and what follows from the failure is the first to be held
            at.stepping = Stepping(mode)
            self._step_from(at.stepping, failed[0])
        else:
            self._reaching.give_step(mode)
        if not self._is_batch:
            self._journal.say("debug.stepped", data={"mode": mode, **_who(command)})
        self._resume(command)

    def _follow(self, command: Command, act: Follow) -> None:
        """Who is around says how it stands."""
        at, released = self._at, self._reaching.is_released(act)
        beyond = self._reaching.follow(act)
        turned = act.paused != beyond.paused
        beyond.paused = act.paused
        if act.step is not None and act.step.number > beyond.stepped:
            beyond.stepped = act.step.number
            if act.step.starts:
                self._step(command, act.step.mode)
            else:
                self._reaching.give_step("into", starts=False)
                self._resume(command)
        elif released or (turned and not act.paused and (at.held is None or not beyond.reports)):
            self._resume(command)
        elif turned and act.paused:
            self._pause(command)
        if at.held is not None:  # it may not have been heard
            self._reaching.report_again()

    def _debugs(self, command: Command, *, debugging: bool) -> None:
        at = self._at
        if debugging != at.debugging:
            at.debugging = debugging
            self._journal.say("debug.enabled" if debugging else "debug.disabled", data=_who(command))
        if not debugging:
            at.stepping = None

    def _settle_failures(self) -> None:
        """What was held back of the failures of nodes follows now."""
        failures = self._at.failures
        for number, error in [*failures.items()]:
            del failures[number]
            if (found := self._frames.find(number)) is not None:
                self._settling.failed(*found, error)

    def _holds(self, frame: Frame, place: int) -> bool:
        """Whether a node that would start is held."""
        at, number = self._at, frame.at.base + place
        stepping = at.stepping
        if stepping is not None and stepping.base is None:  # the node that the step starts
            at.passing = None
            self._step_from(stepping, frame)
            return False
        if at.passing == number:
            at.passing = None
            return False
        held = self._step_ends(frame, place)
        if held is None and (known := self._heeded()):
            held = breakpoints.holding(known, frame, place, self._view, self._moment(number))
        if held is None:
            return False
        at.passing = number
        self._hold(held)
        return True

    def _step_from(self, stepping: Stepping, frame: Frame) -> None:
        stepping.base, stepping.graph = frame.at.base, graph_of(frame)
        stepping.around = [one.at.base for one in frame.outward()][1:]

    def _step_ends(self, frame: Frame, place: int) -> Held | None:
        """That a step ends with the node that would start next."""
        stepping = self._at.stepping
        if stepping is None:
            return None
        held = Held(frame.path(place), "start" if stepping.base == START else "step")
        if stepping.mode == "into" or frame.at.base == stepping.base:
            return held
        if any(one.at.base == stepping.base for one in self._frames.all()):
            return None
        is_next = frame.at.base in stepping.around or graph_of(frame) == stepping.graph
        return held if is_next else None

    def _holds_failure(self, frame: Frame, place: int, error: ErrorValue) -> bool:
        """Whether what follows from a failure is held. A second one is while the first is: nothing moves then."""
        at = self._at
        if self._is_ending or not (known := self._heeded()):
            return False
        number = frame.at.base + place
        told = dumped(error)
        held = breakpoints.holding(known, frame, place, self._view, self._moment(number), error=told)
        if held is None:
            return False
        at.failures[number] = error
        self._hold(held)
        return True

    def _heeded(self) -> dict[str, Breakpoint]:
        """The breakpoints that may hold a node here. Those of a batch are all from around it."""
        at = self._at
        return heeded(at) if at.beyond is not None else at.breakpoints if at.debugging and not self._is_batch else {}

    def _hold(self, held: Held, *, inside: bool = False) -> None:
        """Here is held what starts next, or failed; or, `inside`, somewhere else."""
        at = self._at
        at.stepping = None
        if not inside:
            told = {"why": held.why, "breakpoint": held.breakpoint, "error": held.error}
            self._journal.say("debug.held", held.path, {key: value for key, value in told.items() if value is not None})
        if not at.paused:
            at.paused, at.held, at.by, at.reason = True, held, DEBUGGER, None
            self._tell("execution.paused", DEBUGGER, f"It is held at {held.path}.")
            self._reaching.report(held)
            self._passing_on.look(Command("", DEBUGGER, Pause()))
        elif inside:
            at.held = held
            self._reaching.report(held)

    def _moment(self, number: int) -> Moment:
        return Moment(int(self._now.time * 1000), zlib.crc32(b"debug%d" % number, self._seed))

    def _tell(self, type: EventType, by: str | None, reason: str | None) -> None:
        """Say something of the whole execution, which a batch of it does not."""
        if self._is_batch:
            return
        data: dict[str, JsonValue] = {"by": by, "reason": reason}
        if self._is_queued():
            data["queued"] = True
        self._journal.say(type, data=data)


def _who(command: Command) -> dict[str, JsonValue]:
    return {"by": command.by, "reason": command.reason}
