"""One execution: what its nodes see, what settles them, what is to be done next.

Deterministic and free of I/O; the Temporal side (workflow.py) carries out its orders and tells it what came of them."""

import heapq
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from pydantic import JsonValue

from dag import expressions
from dag.errors import ErrorValue
from dag.events import EventType
from dag.expressions import ExpressionBudget, Moment
from dag.invocation import Invocation
from dag.limits import DEFAULTS
from dag.masks import masked
from dag.plan import Plan, PlanNode, Sees, Template
from interpreter.compute import Computed, Job, PayloadTooLarge, check_size, compute
from interpreter.failures import causes, dumped, fitting
from interpreter.frontier import CANCELLED, FAILED, Changes, Frontier, Settled, Standing
from interpreter.journal import SHOWN_BYTES, Emit, Journal, Now, shown
from interpreter.orders import Cancel, Evaluate, Invoke, Order, Outcome
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.start import Carried, Start, Wait
from interpreter.view import View, iso

ENDINGS: Mapping[str, EventType] = {
    "succeeded": "execution.succeeded",
    "failed": "execution.failed",
    "cancelled": "execution.cancelled",
    "timed_out": "execution.timed_out",
}

VARS = -1
OUTPUT = -2
"""Stand for a node where the graph's own variables or output are computed."""


INLINE_UNTIMED = replace(expressions.INLINE, seconds=None)


class Pace(Protocol):
    """Keeps in history which computations this machine's clock cut short: a replay may be faster or slower."""

    def recall(self) -> bool | None:
        """In a replay, whether the computation about to start was cut short; None when nothing is to be recalled."""
        ...

    def record(self) -> None:
        """The computation recalled last is cut short."""
        ...


class Execution:
    """Runs one graph by taking ready nodes one at a time and settling them."""

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
    ):
        self.id = id
        self._pace = pace
        self._start = start
        self._plan = plan
        self._graph = plan.graph
        self._now = now
        self._at = carried
        self._journal = Journal(tenant, id, start.attempt, "", written=carried.written, now=now, emit=emit)
        self._outputs = Outputs(carried.outputs, segments)
        self._view = View(id, start, plan, carried, self._outputs)
        self._frontier = Frontier(plan.graph, carried.standing, fail_fast=plan.fail == "fast")
        self._alarms = [(wait.until, number) for number, wait in carried.waits.items()]
        heapq.heapify(self._alarms)
        self._due: deque[int] = deque()
        """Activities whose next attempt is due; they are still among those that wait."""
        self._calls: dict[int, Computed] = {}
        """What runs now, by node: kept for a second attempt."""
        self._evaluations: dict[int, Evaluate] = {}
        self._deadline = carried.started_at + plan.timeout if plan.timeout is not None else None
        self.orders: list[Order] = []
        self.outcome: Outcome | None = None

    def begin(self) -> None:
        """Compute the variables, then let the first nodes be ready."""
        if self._at.begun:
            return
        self._journal.say(
            "execution.started",
            data={
                "workflow": self._plan.workflow,
                "version": self._plan.version,
                "trigger": self._start.trigger,
                **shown("input", self._start.input),
            },
        )
        self._at.begun = True
        if self._graph.vars is None:
            self._frontier.begin()
        else:
            self._compute(VARS, _rendering(self._graph.vars), self._graph.vars_see)

    def advance(self, *, calls: bool, attempts: bool = True) -> bool:
        """Start the next ready node, if any; without `calls`, only control nodes. With `attempts`, those that are due
        to be made again go first."""
        if attempts and self._due:
            self._try_again(self._due.popleft())
            return True
        number = self._frontier.take(calls=calls)
        if number is None:
            return False
        node = self._graph.nodes[number]
        if node.type == "stop" and self._at.standing.failed is not None:
            self._settle(number, Settled("skipped"))
            return True
        wired = (
            tuple(self._graph.edges[edge].port for edge in self._graph.outgoing[number])
            if node.type == "switch"
            else ()
        )
        self._compute(number, Job(node.type, node.config, node.when, wired), node.sees)
        return True

    def computed(self, number: int, computed: Computed) -> None:
        """What came of computing a node's job, here or outside."""
        self._evaluations.pop(number, None)
        if number == VARS:
            self._vars_computed(computed)
        elif number == OUTPUT:
            self._output_computed(computed)
        elif self._frontier.is_cancelling(number):
            self.cancelled(number)
        else:
            self._node_computed(number, computed)

    def succeeded(self, number: int, text: bytes) -> None:
        """An activity returned its output, as JSON text."""
        try:
            self._outputs.put(number, text)
        except OutputsTooLarge as full:
            self._fail(number, full.value())
            return
        call = self._graph.nodes[number].call
        data = {"output_bytes": len(text)}
        if len(text) <= SHOWN_BYTES:
            data = {"output": masked(self._outputs.value(number), call.mask if call else ())}
        self._succeed(number, "out", data)

    def failed(self, number: int, error: ErrorValue) -> None:
        """An activity failed for good."""
        self._fail(number, error)

    def lasted(self, number: int) -> None:
        """A local activity took too long to stay one: it starts again as a normal one."""
        if self._frontier.is_cancelling(number):
            self.cancelled(number)
        elif number in self._evaluations:  # it ends by its own clock: it only had to wait for its turn
            self.orders.append(self._evaluations[number])
        else:
            self._invoke(number, self._calls[number], attempts=0, local=False)

    def again(self, number: int, error: ErrorValue, retry_after: float | None) -> None:
        """A local attempt failed in a way worth another: that one is normal, after a wait."""
        call = self._graph.nodes[number].call
        assert call is not None
        if call.retry.max_attempts <= 1 or self._frontier.is_cancelling(number):
            self._fail(number, error)
            return
        until = self._now.time + (retry_after if retry_after is not None else call.retry.initial)
        deadline = self._at.node_deadlines.get(number)
        if deadline is not None and until >= deadline:
            self._fail(number, timed_out_node(cause=error))
        else:
            self._wait(number, Wait(until, self._calls[number], attempts=1))

    def cancelled(self, number: int) -> None:
        """What ran for a node has stopped before it had an effect."""
        self._evaluations.pop(number, None)
        self._journal.say("node.cancelled", self._graph.nodes[number].id)
        self._settle(number, CANCELLED)

    def cancel(self) -> None:
        """A person ends the execution."""
        self._apply(self._frontier.end("cancelled"))

    def ring(self) -> None:
        """Attend to everything whose time has come."""
        if self._deadline is not None and self._deadline <= self._now.time:
            self._deadline = None
            self._apply(self._frontier.end("timed_out"))
        while self._alarms and self._alarms[0][0] <= self._now.time:
            _, number = heapq.heappop(self._alarms)
            wait = self._at.waits.get(number)
            if wait is None or wait.until > self._now.time:
                continue
            if wait.call is not None:
                self._due.append(number)
                continue
            del self._at.waits[number]
            if (deadline := self._at.node_deadlines.get(number)) is not None and deadline <= wait.until:
                self._fail(number, timed_out_node())
            else:
                self._outputs.put_value(number, None)
                self._succeed(number, "out", {"output": None})

    def alarm(self) -> float | None:
        """When to ring next."""
        while self._alarms and self._alarms[0][1] not in self._at.waits:
            heapq.heappop(self._alarms)
        times = [self._alarms[0][0]] if self._alarms else []
        if self._deadline is not None:
            times.append(self._deadline)
        return min(times, default=None)

    def put_back(self, number: int) -> None:
        """An order for this node could not be carried out now; it will be given again."""
        self._at.node_deadlines.pop(number, None)
        self._frontier.put_back(number)

    def close(self) -> None:
        """When every node has settled, find the outcome."""
        if not self._frontier.done or self.outcome is not None or not self._at.begun:
            return
        standing = self._at.standing
        if standing.ending == "cancelled":
            self._end(Outcome("cancelled", error=ErrorValue(code="cancelled", message="The execution was cancelled.")))
        elif standing.ending == "timed_out":
            message = f"The execution took longer than its timeout of {self._plan.timeout:g} s."
            self._end(Outcome("timed_out", error=ErrorValue(code="timeout.execution", message=message)))
        elif standing.failed is not None:
            self._end(Outcome("failed", error=self._at.errors[standing.failed]))
        elif standing.ending == "stopped":
            self._end(Outcome("succeeded", self._at.stop_output))
        elif self._graph.output is None:
            self._close_with_ends()
        elif OUTPUT not in self._evaluations:
            self._compute(OUTPUT, _rendering(self._graph.output), self._graph.output_sees)

    def carried(self) -> tuple[Carried, list[bytes]]:
        """What the next run goes on from."""
        self._at.standing = self._frontier.standing()
        self._at.outputs, segments = self._outputs.pack()
        return self._at, segments

    @property
    def standing(self) -> Standing:
        """Where each node stands, for queries."""
        return self._at.standing

    @property
    def vars(self) -> Mapping[str, JsonValue]:
        """The variables as they are now."""
        return self._at.vars

    @property
    def unsettled(self) -> int:
        """How many nodes have not settled."""
        return self._frontier.unsettled

    def waiting(self, most: int) -> list[str]:
        """The first few nodes that wait for a time."""
        return [self._graph.nodes[number].id for number in islice(self._at.waits, most)]

    def waiting_first(self) -> str | None:
        """The node whose time comes first, by the title people know it by."""
        node = self._graph.nodes[self._alarms[0][1]] if self._alarms else None
        return None if node is None else node.title or node.id

    def _compute(self, number: int, job: Job, sees: Sees) -> None:
        moment = Moment(int(self._now.time * 1000), self._seed(number))
        scope = self._view.scope(sees)
        was_slow = self._pace.recall()
        try:
            if was_slow:
                raise ExpressionBudget
            computed = compute(job, scope, moment, expressions.INLINE if was_slow is None else INLINE_UNTIMED)
        except ExpressionBudget as error:
            if error.by_clock:
                self._pace.record()
            self._evaluations[number] = order = Evaluate(number, job, scope, moment)
            self.orders.append(order)
        else:
            self.computed(number, computed)

    def _seed(self, number: int) -> int:
        return zlib.crc32(number.to_bytes(8, "big", signed=True), self._at.seed)

    def _vars_computed(self, computed: Computed) -> None:
        if computed.kind == "fail":
            self._apply(self._frontier.end("failed"))
            self._end(Outcome("failed", error=fitting(_error(computed))))
        elif self._at.standing.ending is None:
            assert isinstance(computed.value, dict)
            self._at.vars = dict(computed.value)
            self._frontier.begin()

    def _output_computed(self, computed: Computed) -> None:
        if computed.kind == "fail":
            self._end(Outcome("failed", error=fitting(_error(computed))))
        else:
            self._end(Outcome("succeeded", computed.value))

    def _node_computed(self, number: int, computed: Computed) -> None:
        node = self._graph.nodes[number]
        if computed.kind == "skip":
            self._settle(number, Settled("skipped"))
            return
        self._journal.say("node.started", node.id, {"type": node.type, **_config_shown(computed)})
        if node.timeout is not None:
            self._at.node_deadlines[number] = self._now.time + node.timeout
        match computed.kind:
            case "done" | "stop":
                self._done(number, computed)
            case "wait":
                assert isinstance(computed.value, int | float)
                self._wait(number, Wait(min(computed.value, self._at.node_deadlines.get(number, computed.value))))
            case "call":
                self._invoke(number, computed, attempts=0, local=not self._needs_queue(node))
            case "fail":
                self._fail(number, _error(computed))

    def _done(self, number: int, computed: Computed) -> None:
        """A control node has its output."""
        try:
            self._outputs.put_value(number, computed.value)
        except OutputsTooLarge as full:
            self._fail(number, full.value())
            return
        if self._graph.nodes[number].type == "set":
            assert isinstance(computed.value, dict)
            self._at.vars.update(computed.value)
        self._succeed(number, computed.port, shown("output", computed.value))
        if computed.kind == "stop":
            self._at.stop_output = computed.value
            self._apply(self._frontier.end("stopped"))

    def _needs_queue(self, node: PlanNode) -> bool:
        return node.call is None or node.call.effects or node.call.queue is not None

    def _invoke(self, number: int, computed: Computed, *, attempts: int, local: bool) -> None:
        node = self._graph.nodes[number]
        assert node.call is not None
        self._calls[number] = computed
        invocation = Invocation(
            timeout=node.call.attempt_timeout if node.call.own_timeout else None,
            deadline=self._at.node_deadlines.get(number),
            earlier_attempts=attempts,
            retry_when=node.call.retry.when,
            retry_never=node.call.retry.never,
            secrets=computed.secrets,
            mask=node.call.mask,
        )
        self.orders.append(Invoke(number, node, computed.value, invocation, local))

    def _try_again(self, number: int) -> None:
        wait = self._at.waits.pop(number, None)
        if wait is not None:  # else it was cancelled meanwhile
            assert wait.call is not None
            self._invoke(number, wait.call, attempts=wait.attempts, local=False)

    def _wait(self, number: int, wait: Wait) -> None:
        node = self._graph.nodes[number]
        self._at.waits[number] = wait
        heapq.heappush(self._alarms, (wait.until, number))
        if wait.call is None:
            self._frontier.wait(number)
            self._journal.say("node.waiting", node.id, {"until": iso(wait.until)})

    def _succeed(self, number: int, port: str | None, data: Mapping[str, JsonValue]) -> None:
        self._journal.say("node.succeeded", self._graph.nodes[number].id, {**data, "port": port})
        self._settle(number, Settled("succeeded", port))

    def _fail(self, number: int, error: ErrorValue) -> None:
        node = self._graph.nodes[number]
        error = fitting(error.at(node.id, node.id))
        how = FAILED if self._frontier.is_cancelling(number) else self._frontier.failure_of(number)
        self._at.errors[number] = error
        self._journal.say("node.failed", node.id, {"error": dumped(error), "port": how.port})
        self._settle(number, how)

    def _settle(self, number: int, how: Settled) -> None:
        self._calls.pop(number, None)
        self._at.node_deadlines.pop(number, None)
        self._apply(self._frontier.settle(number, how))

    def _apply(self, changes: Changes) -> None:
        for number in changes.skipped:
            self._journal.say("node.skipped", self._graph.nodes[number].id)
        for join, failures in changes.unsatisfiable:
            self._record_unsatisfiable(join, failures)
        for number in changes.cancel:
            if self._at.waits.pop(number, None) is None:
                self.orders.append(Cancel(number))
            else:
                self.cancelled(number)

    def _record_unsatisfiable(self, join: int, failures: Sequence[int]) -> None:
        node = self._graph.nodes[join]
        error = ErrorValue(
            code="join.unsatisfiable",
            message=f"Too few of the {len(self._graph.incoming[join])} edges into this join can still succeed.",
            node=node.id,
            path=node.id,
            cause=causes([self._at.errors[failure] for failure in failures if failure in self._at.errors]),
        )
        self._at.errors[join] = error
        port = self._at.standing.port[join]
        self._journal.say("node.failed", node.id, {"error": dumped(error), "port": port})

    def _close_with_ends(self) -> None:
        """What the end nodes yield is the output, unless it is too much together."""
        output = self._end_outputs()
        try:
            if self._outputs.total > DEFAULTS.payload_bytes:
                check_size(output)
        except PayloadTooLarge as error:
            self._end(Outcome("failed", error=error.value()))
        else:
            self._end(Outcome("succeeded", output))

    def _end_outputs(self) -> JsonValue:
        succeeded = [n for n in self._graph.ends if self._at.standing.status[n] == "succeeded"]
        if len(self._graph.ends) == 1:
            return self._outputs.value(succeeded[0]) if succeeded else None
        if not self._graph.ends:
            return None
        return {self._graph.nodes[n].id: self._outputs.value(n) for n in succeeded}

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        data = shown("output", outcome.output) if outcome.error is None else {"error": dumped(outcome.error)}
        self._journal.say(ENDINGS[outcome.status], data=data)


def timed_out_node(cause: ErrorValue | None = None) -> ErrorValue:
    """The error of a node whose own timeout struck."""
    message = "The node took longer than its timeout, waits and retries included."
    return ErrorValue(code="timeout.node", message=message, cause=None if cause is None else causes([cause])[0])


def _rendering(template: Template) -> Job:
    return Job("", template)


def _error(computed: Computed) -> ErrorValue:
    return ErrorValue.model_validate(computed.value)


def _config_shown(computed: Computed) -> dict[str, JsonValue]:
    return shown("config", computed.value) if computed.kind == "call" else {}
