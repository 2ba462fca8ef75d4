"""Starts nodes as their turn comes: what comes of one at once ends it, the rest runs or waits."""

from collections.abc import Callable

from pydantic import JsonValue

from dag.plan import PlanNode, Sees
from interpreter.alarms import Alarms
from interpreter.frames import Frame, Frames, Wait
from interpreter.frontier import Settled
from interpreter.instead import Instead
from interpreter.invoking import Invoking
from interpreter.job import Computed, Job, error_of
from interpreter.journal import Journal, Now, shown
from interpreter.lasting import Lasting
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.reusing import Reusing
from interpreter.settling import Settling, timed_out_node, turn_around
from interpreter.times import iso

LEAVES = frozenset({"stop", "break", "continue"})


class Starting:
    """From a node's turn to its start, or to its end where nothing has to run."""

    def __init__(
        self,
        frames: Frames,
        alarms: Alarms,
        outputs: Outputs,
        journal: Journal,
        settling: Settling,
        invoking: Invoking,
        lasting: Lasting,
        reusing: Reusing,
        *,
        now: Now,
        compute: Callable[[Frame, int, Job, Sees], None],
        stop: Callable[[JsonValue], None],
    ):
        self._frames = frames
        self._alarms = alarms
        self._outputs = outputs
        self._journal = journal
        self._settling = settling
        self._invoking = invoking
        self._lasting = lasting
        self._reusing = reusing
        self._now = now
        self._compute = compute
        self._stop = stop
        self.instead: Instead | None = None

    def take(self, frame: Frame, place: int) -> None:
        """It is a node's turn: compute what it starts with."""
        node, call = frame.graph.nodes[place], frame.graph.nodes[place].call
        if call is None and node.type in LEAVES and self._is_too_late(frame, node):
            self._settling.settle(frame, place, Settled("skipped"))
            return
        if self._reusing.take(frame, place):
            return
        self._frames.note(frame, place)
        if call is None:
            job = Job(node.type, node.config, node.when, _wired(frame, place, node))
        else:
            job = Job(node.type, node.config, node.when, (), None if call.cache is None else call.cache.key)
        self._compute(frame, place, job, node.sees)

    def _is_too_late(self, frame: Frame, node: PlanNode) -> bool:
        """Whether a graph that the node would end has failed."""
        last = self._frames.root if node.type == "stop" else turn_around(frame)
        for around in frame.outward():
            if around.at.standing.failed is not None:
                return True
            if around is last:
                break
        return False

    def computed(self, frame: Frame, place: int, computed: Computed) -> None:
        """What a node starts with is known."""
        node = frame.graph.nodes[place]
        if computed.kind == "skip":
            self._settling.settle(frame, place, Settled("skipped"))
            return
        mocked: dict[str, JsonValue] = {}
        if self.instead is not None and self.instead.is_mocked(frame, place):
            mocked["mocked"] = True
        self._journal.say("node.started", frame.path(place), {"type": node.type, **_config_shown(computed), **mocked})
        if node.timeout is not None:
            frame.at.deadlines[place] = self._now.time + node.timeout
        match computed.kind:
            case "done" | "stop" | "leave":
                self._done(frame, place, computed)
            case "wait":
                assert isinstance(computed.value, int | float)
                self._delay(frame, place, min(computed.value, frame.at.deadlines.get(place, computed.value)))
            case "call":
                self._invoking.start(frame, place, computed)
            case "open" if self.instead is not None and self.instead.holds(frame, place, computed):
                pass
            case "open":
                assert isinstance(computed.value, dict)
                self._lasting.hold(frame, place, computed.value)
            case "fail":
                self._settling.fail(frame, place, error_of(computed))

    def _done(self, frame: Frame, place: int, computed: Computed) -> None:
        """A control node has its output."""
        try:
            self._outputs.put_value(frame.at.base + place, computed.value)
        except OutputsTooLarge as full:
            self._settling.fail(frame, place, full.value())
            return
        node = frame.graph.nodes[place]
        if node.type == "set":
            assert isinstance(computed.value, dict)
            for name, value in computed.value.items():
                frame.declarer(name).at.vars[name] = value
        self._settling.succeed(frame, place, computed.port, shown("output", computed.value))
        if computed.kind == "stop":
            self._stop(computed.value)
        elif computed.kind == "leave":
            self._lasting.leave_turn(frame, breaks=node.type == "break")

    def _delay(self, frame: Frame, place: int, until: float) -> None:
        self._alarms.set(frame, place, Wait(until))
        frame.frontier.wait(place)
        self._journal.say("node.waiting", frame.path(place), {"until": iso(until)})

    def end_delay(self, frame: Frame, place: int, wait: Wait) -> None:
        """A `delay` is over."""
        if (deadline := frame.at.deadlines.get(place)) is not None and deadline <= wait.until:
            self._settling.fail(frame, place, timed_out_node())
        else:
            self._outputs.put_value(frame.at.base + place, None)
            self._settling.succeed(frame, place, "out", {"output": None})


def _wired(frame: Frame, place: int, node: PlanNode) -> tuple[str, ...]:
    if node.type in ("switch", "approval", "ask"):
        return tuple(frame.graph.edges[edge].port for edge in frame.graph.outgoing[place])
    return tuple(node.graphs) if node.type == "parallel" else ()


def _config_shown(computed: Computed) -> dict[str, JsonValue]:
    return shown("config", computed.value) if computed.kind == "call" else {}
