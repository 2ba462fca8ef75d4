"""One execution: what its nodes compute, what settles them, what is to be done next.

Deterministic and free of I/O; the Temporal side (workflow.py) carries out its orders and tells it what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson
from pydantic import JsonValue

from dag.batches import BatchEnd, EndBatch
from dag.concurrency import Verdict
from dag.dependencies import Success
from dag.errors import ErrorValue
from dag.event_messages import EmittedEvent
from dag.plan import Plan, Sees
from dag.steering import Command, Steered
from dag.strands import batch_strand
from dag.sub_workflows import ChildEnd
from dag.task_messages import Decided, Decision
from interpreter.admission import ADMISSION, Admission
from interpreter.alarms import Alarms
from interpreter.batching import Batching
from interpreter.computing import Computing, Pace
from interpreter.conclusion import AT_THE_END, Conclusion
from interpreter.constructs.dispatch import Begun
from interpreter.dependencies import Dependencies
from interpreter.entrance import Entrance
from interpreter.evaluating import NO_NAMES, Evaluating
from interpreter.failures import fitting
from interpreter.frames import Frame, Frames
from interpreter.frontier import Ending
from interpreter.inside import Insight
from interpreter.invoking import Invoking
from interpreter.job import Computed, Job, error_of
from interpreter.journal import Emit, Journal, Now, shown
from interpreter.lasting import GRACE, Lasting
from interpreter.orders import Order, Outcome
from interpreter.outputs import Outputs
from interpreter.passing_on import PASSING_ON, PassingOn
from interpreter.pausing import State
from interpreter.rehearsing import Rehearsing
from interpreter.reusable import Remember
from interpreter.reusing import AT_THE_BEGINNING, Reusing
from interpreter.rounds import Rounds
from interpreter.search import SEARCH, SearchValues
from interpreter.settling import Settling
from interpreter.start import Carried, Start
from interpreter.starting import Starting
from interpreter.steering import Steering
from interpreter.tasks import Tasks
from interpreter.view import View

Told = EmittedEvent | ChildEnd | BatchEnd | EndBatch | Verdict | Success


class Execution:
    """Runs a plan by taking ready nodes one at a time and settling them."""

    def __init__(
        self,
        id: str,
        start: Start,
        plan: Plan,
        *,
        now: Now,
        emit: Emit,
        pace: Pace,
        carried: Carried,
        segments: Sequence[bytes] = (),
        tenant: str = "",
        remember: Remember | None = None,
    ):
        self.id = id
        self._start = start
        self._plan = plan
        self._now = now
        self._at = carried
        carried.steering = steering = carried.steering or State()
        strand = "" if start.strand is None else batch_strand(start.strand.batch.path, start.strand.batch.number)
        self._journal = Journal(tenant, id, start.attempt, strand, written=carried.written, now=now, emit=emit)
        self._outputs = Outputs(carried.outputs, segments)
        self._view = View(id, start, plan, carried, self._outputs)
        fast = plan.fail == "fast"
        self.frames = Frames(
            plan.graph,
            carried.frames,
            ready=carried.ready,
            held_back=carried.held_back,
            counter=carried.counter,
            fast=fast,
        )
        self.alarms = Alarms(self.frames)
        self._deadline: float | None = None
        self.orders: list[Order] = []
        self._conclusion = Conclusion(
            id, start, plan, carried, self.frames, self._journal, now=now, orders=self.orders, remember=remember
        )
        self.tasks = Tasks(
            self.frames, carried.decisions, now=now, execution=id, attempt=start.attempt, started_by=start.started_by
        )
        self._computing = Computing(pace, now, carried.seed, self.orders)
        self._entrance = Entrance(
            plan,
            start,
            carried,
            self._view,
            self._computing,
            self._journal,
            self.orders,
            self.frames.root,
            now=now,
            run=self._start_running,
            end=self._conclusion.finish,
        )
        passing_on = PassingOn(steering, self.frames, orders=self.orders, start=start)
        self._asides: dict[int, Admission | Dependencies | Conclusion | PassingOn | Reusing] = {
            **self._entrance.asides,
            PASSING_ON: passing_on,
            **dict.fromkeys(AT_THE_END, self._conclusion),
        }
        """What runs for no node, by number."""
        self._search = SearchValues(plan, self._view, self._computing, self._journal)
        self._batching = Batching(start, carried, self.frames, self._outputs)
        self._loop = self._batching.loop()
        """The loop of which this strand is a batch, if it is one; the graphs around it are run by another strand."""
        rounds = Rounds(carried, start.again)
        self._settling = Settling(
            self.frames, self._outputs, self._journal, self.orders, rounds=rounds, remember=remember
        )
        self._evaluating = Evaluating(plan, self._view, self._computing, self._settling, remember)
        self._invoking = Invoking(
            self._settling, self.frames, self.alarms, self._outputs, now=now, orders=self.orders, rounds=rounds
        )
        self._lasting = Lasting(
            self._settling,
            self.frames,
            self.alarms,
            self._outputs,
            self._journal,
            now=now,
            orders=self.orders,
            fast=fast,
            begun=Begun(
                carried.start_time or carried.started_at,
                start.attempt,
                start.depth,
                plan.priority,
                start.started_by,
                start.tuning.batch,
                start.tuning.batches_beyond,
            ),
            early=carried.early,
            batching=self._batching,
            tasks=self.tasks,
            rounds=rounds,
            stop=self._stop,
            grace_until=carried.grace_until,
        )
        self._reusing = Reusing(
            start,
            carried,
            self.frames,
            self._outputs,
            self._journal,
            self._settling,
            self.orders,
            now=now,
            remember=remember,
            go_on=self._start_running,
            fail=self._fail_to_reuse,
            end=self._end,
        )
        self._asides.update(dict.fromkeys(AT_THE_BEGINNING, self._reusing))
        self._starting = Starting(
            self.frames,
            self.alarms,
            self._outputs,
            self._journal,
            self._settling,
            self._invoking,
            self._lasting,
            self._reusing,
            now=now,
            compute=self._compute,
            stop=self._stop,
        )
        self.steering = Steering(
            start,
            steering,
            self.frames,
            self._settling,
            self._journal,
            self._view,
            passing_on,
            now=now,
            execution=id,
            seed=carried.seed,
            is_queued=lambda: self._entrance.is_before,
            has_ended=lambda: self._conclusion.is_known,
        )
        self.inside = Insight(self.frames, self._outputs, self.steering)
        self._test = None if start.test is None else Rehearsing(
            start.test, start, carried, self.frames, self.alarms, self._outputs, self._settling, self._starting,
            self._invoking, self._lasting, (self._conclusion, self._reusing), self._computing, self._view, self.tasks,
            now=now, decide=self.decide,
        )  # fmt: skip
        if carried.begun and not self._entrance.is_before:
            self._set_deadline()

    def begin(self) -> None:
        """Compute the variables, then let the first nodes be ready."""
        if self._at.begun:
            return
        self._at.begun = True
        self.steering.begin()
        if self._loop is not None:
            self._start_running()
        else:
            self._entrance.begin()

    def _start_running(self) -> None:
        if self._conclusion.is_known or self.ending is not None:
            return
        if self._reusing.is_due:
            self._reusing.find_out()
            return
        if self._loop is not None:
            self._lasting.start(*self._loop)
            return
        if self._entrance.was_before:
            self._at.started_at = self._now.time
        self._set_deadline()
        self._journal.say(
            "execution.started",
            data={
                "workflow": self._plan.workflow,
                "version": self._plan.version,
                "trigger": self._start.trigger,
                **shown("input", self._start.input),
            },
        )
        if self._test is not None:
            self._test.begin()
        self._search.begin(self.frames.root)
        self._settling.begin(self.frames.root)

    def _set_deadline(self) -> None:
        if self._plan.timeout is not None and self._loop is None:
            self._deadline = self._at.started_at + self._plan.timeout

    def advance(self, *, calls: bool, attempts: bool = True) -> bool:
        """Do what is next, if anything is: compute what a graph asks for, end one that is done, start a ready node,
        attend to what has waited long enough. Without `calls`, only control nodes start. With `attempts`, those that
        are due to be made again go first."""
        settling = self._settling
        if settling.leaving or settling.wanted or settling.closing or (self._test is not None and self._test.answers):
            self._follow()
        elif attempts and self._invoking.due:
            self._invoking.try_again()
        elif calls and (self._at.outcome or self._at.reuse) and (self._conclusion.go_on() or self._reusing.go_on()):
            pass  # something has been undone
        elif (taken := self.steering.take(calls=calls)) is not None:
            self._starting.take(*taken)
        else:
            return self._ring()
        return True

    def _ring(self) -> bool:
        """Attend to what comes first of all whose time has come."""
        if self._deadline is not None and self._deadline <= self._now.time:
            self._deadline = None
            self._end("timed_out")
            return True
        if (at := self._entrance.alarm) is not None and at <= self._now.time:
            self._entrance.rang()
            return True
        if self._test is not None and self._test.inject():
            return True
        if (due := self.alarms.take(self._now.time)) is None:
            return False
        frame, place, wait = due
        if wait.call is not None:
            self._invoking.due.append(frame.at.base + place)
            return True
        del frame.at.waits[place]
        match wait.ends:
            case "timeout":
                self._lasting.time_out(frame, place)
            case "grace":
                self._lasting.cut_off(frame, place)
            case "turn":
                self._lasting.rang(frame, place)
            case "wait":
                self._starting.end_delay(frame, place, wait)
        return True

    def _follow(self) -> bool:
        """Do one of the things that follow at once from what has happened."""
        if self._settling.leaving:
            self._lasting.leave(*self._settling.leaving.popleft())
        elif self._settling.wanted:
            wanted = self._settling.wanted.popleft()
            if self.frames.find(wanted.frame.at.base + wanted.place) is not None:  # else it has ended meanwhile
                self._compute(wanted.frame, wanted.place, wanted.job, wanted.sees, wanted.names)
        elif self._settling.closing:
            self._close(self._settling.closing.popleft())
        elif self._test is not None and self._test.answers:
            self._test.answer()
        else:
            return False
        return True

    def follow(self) -> None:
        """Let what has happened have its consequences, before anything else happens."""
        while self._follow():
            pass

    def computed(self, number: int, computed: Computed) -> None:
        """What was computed outside."""
        if number == SEARCH:
            self._search.tell(computed)
        elif number == ADMISSION and self._computing.take(number):
            self._entrance.computed(computed)
        found = self.frames.find(number)
        if not self._computing.take(number) or found is None:
            return
        frame, place = found
        if place < frame.size and frame.frontier.is_cancelling(place) and self._evaluating.is_starting(frame, place):
            self._settling.cancelled(frame, place)
        else:
            self._computed(frame, place, computed)

    def succeeded(self, number: int, text: bytes, *, cached: bool = False) -> None:
        """An activity returned its output, as JSON text; `cached`, when it was stored before."""
        if (aside := self._asides.get(number)) is not None:
            aside.succeeded(number, text)
            return
        frame, place = self._running(number)
        if place in frame.at.held:
            self._lasting.called(frame, place, orjson.loads(text) if text else None)
            self.steering.joined()
            return
        self._invoking.succeeded(frame, place, text, cached=cached)

    def failed(self, number: int, error: ErrorValue) -> None:
        """An activity failed for good."""
        if (aside := self._asides.get(number)) is not None:
            aside.failed(number, error)
            return
        frame, place = self._running(number)
        if place in frame.at.held:
            self._lasting.refused(frame, place, error)
        else:
            self._settling.fail(frame, place, error)

    def unknown(self, number: int, error: ErrorValue) -> None:
        """An activity has failed without a word of whether it had its effect."""
        found = self.frames.find(number)
        if found is None or found[1] in found[0].at.held:
            self.failed(number, error)  # no node's own activity
        else:
            self._settling.doubt(*found, error)

    def lasted(self, number: int) -> None:
        """A local activity took too long to stay one: it starts again as a normal one."""
        if self._computing.again(number):  # it ends by its own clock: it only had to wait for its turn
            return
        if (aside := self._asides.get(number)) is not None:
            aside.lasted()
            return
        if self.frames.find(number) is None:  # what computed for a graph that has ended
            return
        frame, place = self._running(number)
        if number in self._lasting.performing:
            self.orders.append(replace(self._lasting.performing[number], local=False))
        else:
            self._invoking.lasted(frame, place)

    def again(self, number: int, error: ErrorValue, retry_after: float | None) -> None:
        """A local attempt failed in a way worth another: that one is normal, after a wait."""
        if (aside := self._asides.get(number)) is not None:
            aside.lasted()
            return
        frame, place = self._running(number)
        if number in self._lasting.performing:
            self.orders.append(replace(self._lasting.performing[number], local=False))
            return
        self._invoking.again(frame, place, error, retry_after)

    def cancelled(self, number: int) -> None:
        """What ran under a number has stopped before it had an effect."""
        self._computing.take(number)
        if (aside := self._asides.get(number)) is not None:
            aside.cancelled(number)
        elif (found := self.frames.find(number)) is not None and self._evaluating.is_starting(*found):
            self._settling.cancelled(*found)

    def cancel(self) -> None:
        """A person ends the execution."""
        if not self._conclusion.is_known and self.ending is None:
            self.steering.cancelling()
        self._end("cancelled")

    def hear(self, told: Told) -> None:
        """Something has come by signal."""
        match told:
            case EmittedEvent():
                self._lasting.arriving.event(told)
            case ChildEnd():
                self._lasting.arriving.child_ended(told)
            case BatchEnd():
                if told.attempt == self._start.attempt:  # else it is a batch of an earlier one
                    self._lasting.arriving.batch_ended(told)
            case Verdict() | Success():
                self._entrance.heard(told)
            case EndBatch():
                if self._loop is not None:
                    if told.turns == "cancel":
                        self.steering.let_go()
                    self._lasting.end_batch(*self._loop, told)

    def decide(self, decision: Decision) -> Decided:
        """A person has decided. Raises what refuses it, and has changed nothing then."""
        told = self.tasks.answered(decision, now=self._now.time)
        if told is None:
            told = self._lasting.vote(decision)
            self.follow()
        else:
            self.tasks.remember(decision, told)
        return told

    def steer(self, command: Command) -> Steered:
        """Somebody wants it otherwise. Raises what refuses it, and has changed nothing then."""
        told = self.steering.steer(command)
        self.follow()
        return told

    def skip(self) -> bool:
        """Let the clock of a test jump, as nothing runs. False: what is next is waited for."""
        test = self._test if self.outcome is None and not self.steering.state.paused else None
        return test is not None and test.skip(self.alarm())

    def alarm(self) -> float | None:
        """When to ring next."""
        times = [] if (first := self.alarms.first()) is None else [first[2].until]
        if (asked := self._entrance.alarm) is not None:
            times.append(asked)
        if self._deadline is not None and not self._conclusion.is_known:
            times.append(self._deadline)
        if self._test is not None and (injected := self._test.alarm) is not None:
            times.append(injected)
        return min(times, default=None)

    def put_back(self, number: int) -> None:
        """An order for this node could not be carried out now; it will be given again."""
        frame, place = self._running(number)
        self._computing.take(number)
        frame.at.deadlines.pop(place, None)
        self.frames.put_back(frame, place)

    def carried(self) -> tuple[Carried, list[bytes]]:
        """What the next run goes on from."""
        self._at.frames, self._at.ready = self.frames.states(), self.frames.ready()
        self._at.held_back = self.frames.held_back()
        self._at.counter = self.frames.counter
        self._at.grace_until = self._lasting.grace_until
        self._at.outputs, segments = self._outputs.pack()
        if self._at.steering == State():
            self._at.steering = None
        return self._at, segments

    @property
    def outcome(self) -> Outcome | None:
        """How the execution has ended, if it has."""
        return self._conclusion.outcome

    @property
    def ending(self) -> Ending | None:
        """Why the execution is being brought to its end, if it is."""
        return self.frames.root.at.standing.ending

    @property
    def vars(self) -> Mapping[str, JsonValue]:
        """The variables of the document as they are now."""
        return self.frames.root.at.vars

    def _running(self, number: int) -> tuple[Frame, int]:
        found = self.frames.find(number)
        assert found is not None, "what ends was running"
        return found

    def _compute(
        self, frame: Frame, place: int, job: Job, sees: Sees, names: Mapping[str, JsonValue] = NO_NAMES
    ) -> None:
        """Compute something for a node or for the graph itself, and go on with what comes of it."""
        computed = self._evaluating.compute(frame, place, job, sees, names)
        if computed is not None:
            self._computed(frame, place, computed)

    def _computed(self, frame: Frame, place: int, computed: Computed) -> None:
        if place == frame.size:
            self._graph_computed(frame, computed)
        elif place in frame.at.held:
            self._lasting.answered(frame, place, computed)
        elif frame.at.base + place in self._settling.promising:
            self._settling.promised(frame, place, computed)
        elif self._test is None or not self._test.rendered(frame, place, computed):
            self._starting.computed(frame, place, computed)

    def _graph_computed(self, frame: Frame, computed: Computed) -> None:
        if frame.at.begun:
            if frame.parent is None:
                self._conclusion.finish_with(computed)
            else:
                self._lasting.finished(frame, computed)
        elif computed.kind == "fail":
            frame.at.begun = True
            frame.at.error = fitting(error_of(computed))
            self._settling.end(frame, "failed")
        else:
            assert isinstance(computed.value, dict)
            self._settling.begun(frame, self._reusing.edited(frame, computed.value))

    def _fail_to_reuse(self, error: ErrorValue) -> None:
        if self._loop is None:
            self._conclusion.finish(Outcome("failed", error=fitting(error)))
        else:
            self._conclusion.finish_batch(self._batching.failed(error))

    def _stop(self, output: JsonValue) -> None:
        """A `stop` ends the execution; the output of the first one stays."""
        if self.ending is None:
            self._at.stop_output = output
        self._end("stopped")

    def _end(self, why: Ending) -> None:
        """End the execution; the first reason stays."""
        if self._conclusion.is_known or self.ending is not None:
            return
        if self._entrance.is_before:
            self.steering.let_go()
            self._entrance.cancel()
            return
        self.steering.let_go()
        if why != "stopped":
            self._lasting.grace_until = self._now.time + GRACE
        if self._reusing.ends(why):
            return
        if self._loop is None:
            self._settling.end(self.frames.root, why)
        else:
            self.frames.root.at.standing.ending = why
            self._lasting.leave(*self._loop)

    def _close(self, frame: Frame) -> None:
        """Every node of a graph has settled."""
        self._computing.call_off(frame.itself)
        if frame.parent is not None:
            self._lasting.close(frame)
        elif not self._conclusion.is_known and self._at.begun:
            self._close_root(frame)

    def _close_root(self, root: Frame) -> None:
        root.closing = False
        self.steering.let_go()
        if self._loop is not None:
            self._conclusion.finish_batch(self._batching.end(*self._loop))
        elif (outcome := self._conclusion.early(root)) is not None:
            self._conclusion.finish(outcome)
        elif root.graph.output is not None:
            root.finishing = True
            self._compute(root, root.size, Job("", root.graph.output), root.graph.output_sees)
        else:
            self._conclusion.finish_with_ends(self._outputs)
