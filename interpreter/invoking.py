"""Runs the activities of nodes: an attempt as a local activity where that may be, those after it as normal ones."""

from collections import deque

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.masks import masked
from dag.plan import PlanNode
from interpreter.alarms import Alarms
from interpreter.frames import Frame, Frames, Wait
from interpreter.instead import Instead
from interpreter.job import Computed
from interpreter.journal import SHOWN_BYTES, Now
from interpreter.orders import Invoke, Order, invocation_of
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.rounds import Rounds
from interpreter.settling import Settling, timed_out_node


class Invoking:
    """Orders attempts, and settles nodes by what came of them."""

    def __init__(
        self,
        settling: Settling,
        frames: Frames,
        alarms: Alarms,
        outputs: Outputs,
        *,
        now: Now,
        orders: list[Order],
        rounds: Rounds,
    ):
        self._settling = settling
        self._frames = frames
        self._alarms = alarms
        self._outputs = outputs
        self._now = now
        self._orders = orders
        self._rounds = rounds
        self.due: deque[int] = deque()
        """Activities whose next attempt is due; they are still among those that wait."""
        self.instead: Instead | None = None

    def start(self, frame: Frame, place: int, computed: Computed) -> None:
        """Make the first attempt."""
        call = frame.graph.nodes[place].call
        local = call is not None and not call.effects and call.queue is None
        self._attempt(frame, place, computed, attempts=0, local=local)

    def try_again(self) -> None:
        """Make the attempt that has been due longest."""
        found = self._frames.find(self.due.popleft())
        if found is not None and (wait := found[0].at.waits.pop(found[1], None)) is not None:  # else it was cancelled
            assert wait.call is not None
            self._attempt(*found, wait.call, attempts=wait.attempts, local=False)

    def succeeded(self, frame: Frame, place: int, text: bytes, *, cached: bool) -> None:
        """An attempt returned the node's output, as JSON text; `cached`, when it was stored before."""
        node, number = frame.graph.nodes[place], frame.at.base + place
        try:
            self._outputs.put(number, text)
        except OutputsTooLarge as full:
            self._settling.fail(frame, place, full.value())
            return
        data = output_shown(node, text, self._outputs.value(number) if len(text) <= SHOWN_BYTES else None)
        if cached:
            data["cached"] = True
        if node.compensate is None or cached:  # what another execution did is none of this one's to undo
            self._settling.succeed(frame, place, "out", data)
        else:
            self._settling.promise(frame, place, data)

    def lasted(self, frame: Frame, place: int) -> None:
        """A local attempt took too long to stay one: it starts again as a normal one."""
        if frame.frontier.is_cancelling(place):
            self._settling.cancelled(frame, place)
        else:
            computed = self._settling.calls[frame.at.base + place]
            self._attempt(frame, place, computed, attempts=0, local=False)

    def again(self, frame: Frame, place: int, error: ErrorValue, retry_after: float | None) -> None:
        """A local attempt failed in a way worth another: that one is normal, after a wait."""
        call = frame.graph.nodes[place].call
        assert call is not None
        if call.retry.max_attempts <= 1 or frame.frontier.is_cancelling(place):
            self._settling.fail(frame, place, error)
            return
        until = self._now.time + (retry_after if retry_after is not None else call.retry.initial)
        deadline = frame.at.deadlines.get(place)
        if deadline is not None and until >= deadline:
            self._settling.fail(frame, place, timed_out_node(cause=error))
        else:
            self._alarms.set(frame, place, Wait(until, self._settling.calls[frame.at.base + place], attempts=1))

    def _attempt(self, frame: Frame, place: int, computed: Computed, *, attempts: int, local: bool) -> None:
        node, number = frame.graph.nodes[place], frame.at.base + place
        assert node.call is not None
        self._settling.calls[number] = computed
        path, deadline = frame.path(place), frame.at.deadlines.get(place)
        invocation = invocation_of(node.call, computed, deadline, attempts, round=self._rounds.of(path))
        if self.instead is not None:
            if self.instead.attempt(frame, place, computed, attempts):
                return
            invocation = self.instead.marked(path, invocation)
        self._orders.append(Invoke(number, path, node.title, node.type, node.call, computed.value, invocation, local))


def output_shown(node: PlanNode, text: bytes, value: JsonValue) -> dict[str, JsonValue]:
    """A node's output as events tell it: without what is masked, or by its size."""
    if len(text) > SHOWN_BYTES:
        return {"output_bytes": len(text)}
    return {"output": masked(value, node.call.mask if node.call else ())}
