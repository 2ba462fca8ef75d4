"""Runs an execution as a test: mocks answer for nodes, decisions and events come as the test says, nothing that the
test does not name has an effect."""

from collections import deque
from dataclasses import dataclass, replace
from hashlib import blake2b

import orjson
from pydantic import JsonValue

from dag.errors import ErrorValue, matches
from dag.event_messages import EMIT, SUBSCRIBE, TAKE, UNSUBSCRIBE, EmittedEvent
from dag.invocation import Invocation
from dag.plan import PlanNode, Template
from dag.sub_workflows import BEGIN
from dag.task_messages import Decision
from dag.testing.mode import TRIGGER, Answer, Mode, by_place
from dag.testing.places import COMPENSATE, find
from dag.testing.refusals import Stuck, Unmocked
from interpreter.alarms import Alarms
from interpreter.arriving import Arriving
from interpreter.clock import Progress
from interpreter.compensation import Due
from interpreter.computing import Computing
from interpreter.constructs.asking import Asking
from interpreter.constructs.event_wait import EventWait
from interpreter.failures import dumped
from interpreter.frames import Frame, Frames, Wait
from interpreter.invoking import Invoking
from interpreter.job import Computed, Job, error_of, failure
from interpreter.journal import Now, shown
from interpreter.orders import Evaluate
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.settling import Settling, timed_out_node
from interpreter.times import iso
from interpreter.view import View

LISTED = 5
"""So many nodes are named that wait in vain."""
NOBODY = "ex_" + "0" * 32
"""The execution that a `workflow` node without `wait` would have started."""


@dataclass(frozen=True, slots=True)
class _Rendering:
    """A mock's answer that is computed outside."""

    answer: Answer
    computed: Computed
    attempts: int


class Mocking:
    """Answers for the world. Everything it keeps beyond a workflow task is in `progress`."""

    def __init__(
        self,
        mode: Mode,
        progress: Progress,
        *,
        attempt: int,
        frames: Frames,
        alarms: Alarms,
        outputs: Outputs,
        settling: Settling,
        invoking: Invoking,
        computing: Computing,
        arriving: Arriving,
        view: View,
        now: Now,
    ):
        self._mode = mode
        self._progress = progress
        self._attempt = attempt
        self._frames = frames
        self._alarms = alarms
        self._outputs = outputs
        self._settling = settling
        self._invoking = invoking
        self._computing = computing
        self._arriving = arriving
        self._view = view
        self._now = now
        self._rendering: dict[int, _Rendering] = {}
        self.answers: deque[tuple[int, JsonValue]] = deque()
        """What Perdure's own activities would have answered, by the numbers of their nodes."""

    def begin(self) -> None:
        """The execution begins: it is known when events come."""
        if not self._progress.begun:
            self._progress.begun = True
            self._progress.events = sorted(
                (self._now.time + event.after, number) for number, event in enumerate(self._mode.events)
            )

    def is_mocked(self, frame: Frame, place: int) -> bool:
        """As Instead."""
        return by_place(self._mode.mocks, _paths(frame, place)) is not None

    def attempt(self, frame: Frame, place: int, computed: Computed, attempts: int) -> bool:
        """As Instead."""
        node, paths = frame.graph.nodes[place], _paths(frame, place)
        assert node.call is not None
        if (mock := by_place(self._mode.mocks, paths)) is not None:
            self._render(frame, place, _Rendering(self._next(mock), computed, attempts))
        elif node.call.effects and not self._is_real(paths):
            self._settling.fail(frame, place, _unmocked(node.type, paths[1]))
        else:
            return False
        return True

    def marked(self, path: str, invocation: Invocation) -> Invocation:
        """As Instead. An output that was stored was made outside the test, and none of the test's is for others."""
        deadline = None if invocation.deadline is None else invocation.deadline - self._now.skew
        real = "real" if self._is_real(self._named(path)) else "pure"
        return replace(invocation, deadline=deadline, cache=None, test=real)

    def holds(self, frame: Frame, place: int, computed: Computed) -> bool:
        """As Instead."""
        mock = by_place(self._mode.mocks, _paths(frame, place))
        if mock is None:
            return False
        self._render(frame, place, _Rendering(self._next(mock), computed, 0))
        return True

    def held(self, frame: Frame, place: int) -> None:
        """As Instead: the decisions of a task come from now on."""
        if isinstance(frame.at.held[place].state, Asking):
            paths = _paths(frame, place)
            for number, decision in enumerate(self._mode.decisions):
                if decision.path in paths:
                    self._progress.decisions.append((self._now.time + decision.after, paths[0], number))
            self._progress.decisions.sort()

    def performs(self, frame: Frame, place: int, activity: str, argument: JsonValue) -> bool:
        """As Instead."""
        number = frame.at.base + place
        assert isinstance(argument, dict)
        match activity:
            case _ if activity == SUBSCRIBE:
                self.answers.append((number, {"events": [], "next": None}))
            case _ if activity == TAKE:
                self.answers.append((number, True))
            case _ if activity == UNSUBSCRIBE:
                self.answers.append((number, None))
            case _ if activity == EMIT:
                id = f"ev_{blake2b(frame.path(place).encode(), digest_size=16).hexdigest()}"
                event = EmittedEvent(
                    id, str(argument["name"]), argument["key"], argument["payload"], iso(self._now.time)
                )
                self._arriving.event(event)
                self.answers.append((number, id))
            case _ if activity == BEGIN and argument["wait"] is False:
                self.answers.append((number, NOBODY))
            case _:
                return False
        return True

    def handed(self, frame: Frame, place: int, activity: str, argument: JsonValue) -> JsonValue:
        """As Instead: an execution that a test starts is a test too."""
        if activity != BEGIN or not isinstance(argument, dict):
            return argument
        exact, general = _paths(frame, place)
        given = [self._mode.children[path] for path in dict.fromkeys((general, exact)) if path in self._mode.children]
        doubles: dict[str, JsonValue] = {}
        for each in given:
            assert isinstance(each, dict)
            for name, value in each.items():
                before = doubles.get(name)
                if isinstance(before, dict) and isinstance(value, dict):
                    doubles[name] = {**before, **value}
                else:
                    doubles[name] = value
        clock: dict[str, JsonValue] = {
            "time": self._mode.time,
            "begins_at": self._mode.begins_at,
            "skipped": self._progress.skipped,
        }
        return {**argument, "trigger": TRIGGER, "test": {"doubles": doubles, **clock}}

    def undoes(self, due: Due) -> Computed | None:
        """As Instead: what is not mocked is only recorded."""
        paths = self._named(due.own_path)
        if self._is_real(paths):
            return None
        if (mock := by_place(self._mode.mocks, paths)) is None:
            return Computed("done")
        answer = self._next(mock)
        template = answer.error or answer.output or Template()
        made = self._computing.compute(Job("", template), {"config": due.config, "attempt": 1}, salt=b"undo")
        if not isinstance(made, Computed):
            return failure(ErrorValue(code="expression.budget", message="The mock takes too long to compute."))
        return made if answer.error is None or made.kind == "fail" else failure(_error(made.value, 1))

    def is_rendering(self, number: int) -> bool:
        """Whether the answer of a mock is computed outside."""
        return number in self._rendering

    def rendered(self, frame: Frame, place: int, made: Computed) -> None:
        """It has been."""
        self._tell(frame, place, self._rendering.pop(frame.at.base + place), made)

    @property
    def alarm(self) -> float | None:
        """When a decision or an event comes next."""
        times = [*(one[0] for one in self._progress.decisions[:1]), *(one[0] for one in self._progress.events[:1])]
        return min(times, default=None)

    def due_event(self) -> EmittedEvent | None:
        """An event whose time has come."""
        events = self._progress.events
        if not events or events[0][0] > self._now.time:
            return None
        at, number = events.pop(0)
        event = self._mode.events[number]
        return EmittedEvent(f"ev_{number:032x}", event.name, event.key, event.payload, iso(at))

    def due_decision(self) -> Decision | None:
        """A decision whose time has come."""
        decisions = self._progress.decisions
        if not decisions or decisions[0][0] > self._now.time:
            return None
        _, path, number = decisions.pop(0)
        decided = self._mode.decisions[number]
        return Decision(
            id=f"test-{number}-{path}",
            path=path,
            by=decided.by,
            groups=decided.groups,
            verdict=decided.verdict,
            values=decided.values,
            comment=decided.comment,
            attempt=self._attempt,
        )

    def skip_to(self, time: float) -> None:
        """Let the clock jump. It stays at least as far as that, whatever is lost in adding."""
        self._progress.skipped += max(0.0, time - self._now.time)
        self._now.skew += max(0.0, time - self._now.time)
        self._now.time = max(time, self._now.time)

    def waits_in_vain(self) -> tuple[Frame, int, ErrorValue] | None:
        """A node that waits for what nobody in the test gives, with what is to be said of that."""
        found = [
            (frame, place)
            for frame in self._frames.all()
            for place, held in frame.at.held.items()
            if isinstance(held.state, Asking | EventWait)
        ]
        if not found:
            return None
        names = ", ".join(f"`{frame.path(place)}`" for frame, place in found[:LISTED])
        more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
        message = f"Nothing in the test gives what is waited for: add a decision, an event or a mock for {names}{more}."
        return *found[0], Stuck(message).value()

    @property
    def jumps(self) -> bool:
        """Whether the clock may jump: not while other executions, or strands of this one, are under way."""
        return self._mode.time != "real" and not self._arriving.awaits

    def _named(self, path: str) -> tuple[str, str]:
        """The path of a run or a compensation, and the same without its turns."""
        place = find(self._frames.root.graph, path)
        if place is None:
            return path, path
        return path, f"{place.path}.{COMPENSATE}" if place.undoes else place.path

    def _is_real(self, paths: tuple[str, str]) -> bool:
        return any(path in self._mode.real for path in paths)

    def _next(self, mock: str) -> Answer:
        answers, uses = self._mode.mocks[mock].answers, self._progress.uses
        used = uses.get(mock, 0)
        if len(answers) > 1:
            uses[mock] = used + 1
        return answers[min(used, len(answers) - 1)]

    def _render(self, frame: Frame, place: int, rendering: _Rendering) -> None:
        answer = rendering.answer
        template = answer.error or answer.output or Template()
        if not template.places:
            self._tell(frame, place, rendering, Computed("done", template.value))
            return
        number, node = frame.at.base + place, frame.graph.nodes[place]
        scope = self._view.scope(frame, answer.sees)
        scope.update({"config": rendering.computed.value, "attempt": rendering.attempts + 1})
        job, salt = Job("", template), f"{frame.path(place)} mock {rendering.attempts}".encode()
        made = self._computing.compute(job, scope, salt=salt)
        if isinstance(made, Computed):
            self._tell(frame, place, rendering, made)
        else:
            self._rendering[number] = rendering
            path, title = frame.path(place), node.title
            self._computing.send(Evaluate(number, path, title, of_node=False, job=job, scope=scope, moment=made))

    def _tell(self, frame: Frame, place: int, rendering: _Rendering, made: Computed) -> None:
        node, answer = frame.graph.nodes[place], rendering.answer
        if made.kind == "fail":
            self._settling.fail(frame, place, error_of(made))
        elif answer.error is not None:
            self._fail(frame, place, rendering, _error(made.value, rendering.attempts + 1))
        elif node.call is not None:
            self._invoking.succeeded(frame, place, orjson.dumps(made.value), cached=False)
        else:
            self._give(frame, place, node, answer.port, made.value)

    def _give(self, frame: Frame, place: int, node: PlanNode, port: str, output: JsonValue) -> None:
        try:
            self._outputs.put_value(frame.at.base + place, output)
        except OutputsTooLarge as full:
            self._settling.fail(frame, place, full.value())
            return
        if node.compensate is not None:
            self._settling.promise(frame, place, shown("output", output))
        else:
            self._settling.succeed(frame, place, port, shown("output", output))

    def _fail(self, frame: Frame, place: int, rendering: _Rendering, error: ErrorValue) -> None:
        call, made = frame.graph.nodes[place].call, rendering.attempts + 1
        if call is None or made >= call.retry.max_attempts or not self._is_worth_another(frame, place, error, made):
            self._settling.fail(frame, place, error)
            return
        longest = max(call.retry.max, call.retry.initial)
        until = self._now.time + min(longest, call.retry.initial * call.retry.factor ** min(made - 1, 100))
        deadline = frame.at.deadlines.get(place)
        if deadline is not None and until >= deadline:
            self._settling.fail(frame, place, timed_out_node(cause=error))
        else:
            self._alarms.set(frame, place, Wait(until, rendering.computed, attempts=made))

    def _is_worth_another(self, frame: Frame, place: int, error: ErrorValue, attempt: int) -> bool:
        call = frame.graph.nodes[place].call
        assert call is not None
        if not error.retryable or any(matches(error.code, pattern) for pattern in call.retry.never):
            return False
        if call.retry.when is None:
            return True
        salt = f"{frame.path(place)} again {attempt}".encode()
        made = self._computing.compute(Job("?", Template(call.retry.when)), {"error": dumped(error)}, salt=salt)
        return isinstance(made, Computed) and made.value is True


def _error(value: JsonValue, attempt: int) -> ErrorValue:
    assert isinstance(value, dict)
    return ErrorValue(
        code=str(value["code"]),
        message=str(value["message"]),
        retryable=value["retryable"] is True,
        details=value["details"],
        attempt=attempt,
    )


def _unmocked(type: str, path: str) -> ErrorValue:
    message = f"`{path}` ({type}) has effects: mock it in the test, or name it in `real` to run it."
    return Unmocked(message).value()


def _paths(frame: Frame, place: int) -> tuple[str, str]:
    """The path of a node run, and of the node."""
    steps = [frame.graph.nodes[place].id]
    steps += [_step(around.parent, around) for around in frame.outward() if around.parent is not None]
    return frame.path(place), ".".join(reversed(steps))


def _step(parent: Frame, frame: Frame) -> str:
    holder = parent.graph.nodes[frame.holder].id
    return holder if frame.at.turn is not None else f"{holder}.{frame.at.part}"
