"""Runs nodes that last: those with graphs inside, and those that wait for people, events or other executions."""

from collections.abc import Callable, Iterable, Mapping

import orjson
from pydantic import JsonValue

from dag.batches import BEGIN_BATCH, REPORT_BATCH, EndBatch
from dag.errors import ErrorValue, PerdureError
from dag.invocation import USUAL
from dag.plan import Call as PlannedCall
from dag.plan import Retry, Template
from dag.task_messages import Decided, Decision
from interpreter.alarms import Alarms
from interpreter.arriving import Arriving, Early
from interpreter.batching import Batching, owed
from interpreter.compensation import Due, in_order
from interpreter.constructs import asking, dispatch, for_each
from interpreter.constructs.dispatch import Begun
from interpreter.constructs.for_each import ForEach
from interpreter.constructs.steps import (
    Ask,
    Call,
    Conclude,
    Decline,
    Dispatch,
    Doubt,
    End,
    Fail,
    Fill,
    Give,
    Halt,
    Leave,
    Open,
    Owe,
    Read,
    Say,
    Step,
    Stop,
    Tell,
    Until,
    Warn,
    Yield,
)
from interpreter.failures import dumped
from interpreter.frames import Frame, Frames, Held, TooManyGraphs, Wait
from interpreter.gathering import gathered
from interpreter.instead import Instead
from interpreter.job import Computed, Job, error_of
from interpreter.journal import Journal, Now, shown, shown_text
from interpreter.orders import Invoke, Order
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.rounds import Rounds
from interpreter.settling import Settling, Wanted, end_of, ends_text, located, timed_out_node, turn_around
from interpreter.sizes import check_written
from interpreter.tasks import Tasks

GRACE = 600.0
"""Seconds that the `finally` parts of an execution that was cancelled, or timed out, may take all together."""
OURS = PlannedCall(effects=False, retry=Retry(max_attempts=1_000_000), attempt_timeout=3_600)
"""Perdure's own activities wait for the database as long as that is away."""


class Lasting:
    """Carries out what nodes that last ask for, and tells them what comes of it."""

    def __init__(
        self,
        settling: Settling,
        frames: Frames,
        alarms: Alarms,
        outputs: Outputs,
        journal: Journal,
        *,
        now: Now,
        orders: list[Order],
        fast: bool,
        begun: Begun,
        early: Early,
        batching: Batching,
        tasks: Tasks,
        rounds: Rounds,
        stop: Callable[[JsonValue], None],
        grace_until: float | None,
    ):
        self._settling = settling
        self._frames = frames
        self._alarms = alarms
        self._outputs = outputs
        self._journal = journal
        self._now = now
        self._orders = orders
        self._fast = fast
        self._begun = begun
        self.arriving = Arriving(frames, outputs, early, self._do, fast=fast)
        self._batching = batching
        self._tasks = tasks
        self._rounds = rounds
        self._stop = stop
        self.grace_until = grace_until
        """How long what an ended execution still runs may take, all together."""
        self.performing: dict[int, Invoke] = {}
        """Perdure's own activities that run for nodes."""
        self.instead: Instead | None = None

    def leave(self, frame: Frame, place: int) -> None:
        """End what is inside a node, but for what is to be done at the end."""
        held = frame.at.held.get(place)
        if held is None or held.state.leaving:  # it has come to its end meanwhile, or will
            return
        frame.at.waits.pop(place, None)
        self._do(frame, place, dispatch.leave(held.state, grace_until=self.grace_until))
        if any(child.at.shielded for child in frame.children.get(place, ())):
            self._grant_grace(frame, place)

    def time_out(self, frame: Frame, place: int) -> None:
        """A node with graphs inside has taken longer than its timeout."""
        frame.at.held[place].timed_out = True
        self.leave(frame, place)

    def cut_off(self, frame: Frame, place: int) -> None:
        """What a node still runs after it was cancelled has taken too long."""
        for child in [*frame.children.get(place, ())]:
            self._settling.end(child, "cancelled")

    def leave_turn(self, frame: Frame, *, breaks: bool) -> None:
        """A node in a frame ends the turn around it, and with `breaks` the loop."""
        turn = turn_around(frame)
        self._settling.end(turn, "broken" if breaks else "continued")
        assert turn.parent is not None
        if breaks:
            self._do(turn.parent, turn.holder, dispatch.break_off(turn.parent.at.held[turn.holder].state))

    def hold(self, frame: Frame, place: int, config: Mapping[str, JsonValue]) -> None:
        """Start a node that lasts."""
        if frame.graph.nodes[place].graphs and self._frames.are_many:
            self._settling.fail(frame, place, TooManyGraphs().value())
            return
        at = self._at(frame, place)
        state, size = dispatch.begin(config, at)
        slots = self._frames.reserve(size)
        if "items" in config:
            try:
                self._outputs.put_value(slots, config["items"])
            except OutputsTooLarge as full:
                self._settling.fail(frame, place, full.value())
                return
        frame.at.held[place] = Held(state, slots, size)
        self._set_alarm(frame, place)
        self.arriving.begin(frame, place, state)
        self._tasks.begin(frame, place, state)
        self._do(frame, place, dispatch.start(state, config, self._at(frame, place)))
        if self.instead is not None and place in frame.at.held:
            self.instead.held(frame, place)

    def start(self, frame: Frame, place: int) -> None:
        """Start the batch that this strand is."""
        self._do(frame, place, dispatch.start(frame.at.held[place].state, {}, self._at(frame, place)))

    def end_batch(self, frame: Frame, place: int, asked: EndBatch) -> None:
        """End the batch that this strand is."""
        if asked.turns == "cancel":
            self.grace_until = asked.grace_until or self.grace_until
            self.leave(frame, place)
        else:
            state = frame.at.held[place].state
            assert isinstance(state, ForEach)
            self._do(frame, place, for_each.finish(state))

    def answered(self, frame: Frame, place: int, computed: Computed) -> None:
        """A condition of a node that lasts has been computed."""
        if computed.kind == "fail":
            self.refused(frame, place, error_of(computed))
        else:
            answer = computed.value is True
            self._do(frame, place, dispatch.answered(frame.at.held[place].state, self._at(frame, place), answer=answer))

    def called(self, frame: Frame, place: int, answer: JsonValue) -> None:
        """An activity that a node asked for has answered."""
        self.performing.pop(frame.at.base + place)
        self._do(
            frame, place, dispatch.called(frame.at.held[place].state, self._at(frame, place), answer, fast=self._fast)
        )

    def refused(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """What a node asked for could not be had."""
        self.performing.pop(frame.at.base + place, None)
        error = error.at(frame.graph.nodes[place].id, frame.path(place))
        self._do(frame, place, dispatch.failed(frame.at.held[place].state, error, fast=self._fast))

    def rang(self, frame: Frame, place: int) -> None:
        """The time has come that a node wanted to be told of."""
        held = frame.at.held[place]
        held.alarm = None
        self._set_alarm(frame, place)
        self._do(frame, place, dispatch.rang(held.state, self._at(frame, place)))

    def give_up(self, frame: Frame, place: int, error: ErrorValue) -> None:
        """A node has waited in vain."""
        self._release(frame, place)
        self._settling.fail(frame, place, error)

    def vote(self, decision: Decision) -> Decided:
        """Count a decision in an open task."""
        frame, place, state = self._tasks.find(decision.path)
        self._do(frame, place, asking.vote(state, decision, self._now.time))
        return self._tasks.counted(decision, state)

    def close(self, frame: Frame) -> None:
        """Every node of an inner graph has settled: tell the node that holds it, or find the graph's output first."""
        frame.closing = False
        if (end := end_of(frame)) is not None:
            self._ended(frame, end)
        elif frame.graph.output is not None:
            frame.finishing = True
            job = Job("", frame.graph.output)
            self._settling.wanted.append(Wanted(frame, frame.size, job, frame.graph.output_sees))
        else:
            self._ended_with(frame, ends_text(frame, self._outputs))

    def finished(self, frame: Frame, computed: Computed) -> None:
        """The output of an inner graph has been computed."""
        if computed.kind == "fail":
            self._ended(frame, End("failed", error_of(computed)))
        else:
            self._ended_with(frame, orjson.dumps(computed.value))

    def _ended_with(self, frame: Frame, output: bytes) -> None:
        try:
            check_written(output)
            self._outputs.put(frame.at.slot, output)
        except PerdureError as error:
            self._ended(frame, End("failed", error.value()))
        else:
            self._ended(frame, End("succeeded"))

    def _ended(self, frame: Frame, end: End) -> None:
        assert frame.parent is not None
        parent, place = frame.parent, frame.holder
        held = parent.at.held[place]
        if frame.at.due:
            held.blocks[frame.at.slot - held.slots] = frame.at.due
        for number in range(frame.at.base, frame.itself):
            self._outputs.drop(number)
        self._frames.close(frame)
        self._tell_end(parent, place, frame.at.part, frame.at.turn, located(end, parent, place))

    def _tell_end(self, frame: Frame, place: int, part: str, turn: int | None, end: End) -> None:
        at = self._at(frame, place)
        self._do(frame, place, dispatch.ended(frame.at.held[place].state, at, part, turn, end, fast=self._fast))

    def _at(self, frame: Frame, place: int) -> dispatch.Place:
        held = frame.at.held.get(place)
        slots = 0 if held is None else held.slots
        return dispatch.Place(
            frame.graph.nodes[place], frame.path(place), self._now.time, self._begun, self._reader(slots)
        )

    def _reader(self, slots: int) -> Read:
        return lambda slot: self._outputs.value(slots + slot) if slots + slot in self._outputs else None

    def _do(self, frame: Frame, place: int, asked: Iterable[Step]) -> None:
        """Carry out what a node that lasts asks for."""
        held = frame.at.held[place]
        opened: list[Frame] = []
        for step in [*asked]:  # all of it, before anything that follows asks for more
            match step:
                case Open() if step.shielded and held.state.leaving and self._is_late:
                    self._tell_end(frame, place, step.part, step.turn, End("cancelled"))
                case Open():
                    due: list[Due] | None = [] if dispatch.is_concurrent(held.state) else None
                    opened.append(self._frames.open(frame, place, step, slot=held.slots + step.slot, due=due))
                    if step.shielded and held.state.leaving:
                        self._grant_grace(frame, place)
                case Halt():
                    for child in [*frame.children.get(place, ())]:
                        if not child.at.shielded:
                            self._settling.end(child, "cancelled")
                case Ask(condition, names):
                    sees = frame.graph.nodes[place].sees
                    self._settling.wanted.append(Wanted(frame, place, Job("?", Template(condition)), sees, names))
                case Fill(slot, value):
                    self._outputs.put_value(held.slots + slot, value)
                case Owe(slot, written):
                    held.blocks[slot] = self._settling.remembered(owed(written))
                case Yield():
                    self._yield(frame, place, step)
                case Fail(error):
                    self._release(frame, place)
                    self._settling.fail(frame, place, error)
                case Doubt(error):
                    self._release(frame, place)
                    self._settling.doubt(frame, place, timed_out_node(cause=error) if held.timed_out else error)
                case Leave():
                    self._release(frame, place)
                    if held.timed_out and not frame.frontier.is_cancelling(place):
                        self._settling.fail(frame, place, timed_out_node())
                    else:
                        self._settling.cancelled(frame, place)
                case Give(port, output):
                    self._release(frame, place)
                    self._give(frame, place, port, output, too_late=held.timed_out)
                case Call(activity, argument):
                    self._perform(frame, place, activity, self._rounds.asked(activity, argument))
                case Dispatch():
                    beginning = self._batching.beginning(frame, place, held, step)
                    # No local one: its turns run before its end is known, and history must know of the loop by then.
                    self._perform(frame, place, BEGIN_BATCH, beginning, local=False)
                case Warn(how):
                    self._perform(frame, place, REPORT_BATCH, self._batching.warning(how))
                case Conclude():
                    self._settling.close_soon(self._frames.root)
                case Stop(output):
                    if all(around.at.standing.failed is None for around in frame.outward()):
                        self._stop(output)
                case Until(at):
                    held.alarm = at
                    self._set_alarm(frame, place)
                case Tell(data):
                    frame.frontier.wait(place)
                    self._journal.say("node.waiting", frame.path(place), dict(data))
                case Say(type, data):
                    self._journal.say(type, frame.path(place), dict(data))
                case Decline(event):
                    self.arriving.event(event, after=held.slots)
        for child in opened:
            self._settling.begin(child)
        if opened:
            self._frames.queue_inside(frame, place, opened)

    def _give(self, frame: Frame, place: int, port: str, output: JsonValue, *, too_late: bool) -> None:
        try:
            self._outputs.put_value(frame.at.base + place, output)
        except OutputsTooLarge as full:
            self._settling.fail(frame, place, full.value())
            return
        too_late = too_late and not frame.frontier.is_cancelling(place)
        if frame.graph.nodes[place].compensate is not None:
            late = {"error": dumped(timed_out_node())}
            self._settling.promise(frame, place, late if too_late else shown("output", output))
        elif too_late:
            self._settling.fail(frame, place, timed_out_node())
        else:
            self._settling.succeed(frame, place, port, shown("output", output))

    def _perform(self, frame: Frame, place: int, activity: str, argument: JsonValue, *, local: bool = True) -> None:
        number = frame.at.base + place
        title = frame.graph.nodes[place].title
        if self.instead is not None:
            argument = self.instead.handed(frame, place, activity, argument)
        order = Invoke(number, frame.path(place), title, activity, OURS, argument, USUAL, local)
        self.performing[number] = order
        if self.instead is None or not self.instead.performs(frame, place, activity, argument):
            self._orders.append(order)

    def _set_alarm(self, frame: Frame, place: int) -> None:
        """One time for a node: its timeout, or what it wants to be told of, whichever comes first."""
        held, deadline = frame.at.held[place], frame.at.deadlines.get(place)
        if held.state.leaving:
            deadline = None
        if deadline is not None and (held.alarm is None or deadline <= held.alarm):
            self._alarms.set(frame, place, Wait(deadline, ends="timeout"))
        elif held.alarm is not None:
            self._alarms.set(frame, place, Wait(held.alarm, ends="turn"))
        else:
            frame.at.waits.pop(place, None)

    def _yield(self, frame: Frame, place: int, asked: Yield) -> None:
        slots = frame.at.held[place].slots
        try:
            text = gathered(asked, [slots + slot for slot in asked.slots], self._outputs)
            self._release(frame, place)
            self._outputs.put(frame.at.base + place, text)
        except PerdureError as error:
            if place in frame.at.held:
                self._release(frame, place)
            self._settling.fail(frame, place, error.value())
        else:
            self._settling.succeed(frame, place, "out", shown_text("output", text))

    def _release(self, frame: Frame, place: int) -> None:
        """A node with graphs inside is over."""
        held = frame.at.held.pop(place)
        self.arriving.end(held.state)
        self._tasks.end(held.state)
        frame.at.waits.pop(place, None)
        frame.due.extend(in_order(held.blocks))
        for slot in range(held.slots, held.slots + held.size):
            self._outputs.drop(slot)

    def _grant_grace(self, frame: Frame, place: int) -> None:
        """What an execution still runs after it was cancelled, or timed out, ends in time."""
        if self.grace_until is not None:
            self._alarms.set(frame, place, Wait(self.grace_until, ends="grace"))

    @property
    def _is_late(self) -> bool:
        return self.grace_until is not None and self._now.time >= self.grace_until
