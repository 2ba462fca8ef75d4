"""The interpreter as Temporal sees it: an execution's orders become activities and timers, their ends come back to it.

The only file here that is Temporal-shaped, with the terms of what it starts and its payloads beside it. What ends
wakes one loop; nothing polls, nothing is O(nodes) a step."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any, cast

from pydantic import JsonValue
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import Priority, RawValue
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    RetryState,
    TimeoutError,
    TimeoutType,
)
from temporalio.worker import StartActivityInput, StartLocalActivityInput, WorkflowOutboundInterceptor
from temporalio.workflow import ActivityCancellationType, ActivityHandle

from dag.batches import BATCH_ENDED, END, BatchEnd, EndBatch
from dag.concurrency import ADMITTED, Verdict
from dag.dependencies import SUCCEEDED, Success
from dag.errors import ErrorValue, PerdureError
from dag.event_messages import EmittedEvent
from dag.invocation import CACHED, USUAL, Invocation
from dag.json_writing import compact, written
from dag.retries import RETRIES, LaterAttempt
from dag.steering import LOOK_INSIDE, STEER, VARIABLES_SEEN, Command, Inside, InsideOf, Scope, Steered
from dag.strands import strand_id
from dag.sub_workflows import ENDED, ChildEnd
from dag.task_messages import DECIDE, DECIDED, TASK, TASKS, Answer, Decided, Decision, Task
from interpreter import showing, terms
from interpreter.clock import Clock
from interpreter.ended import Ended
from interpreter.execution import Execution, Told
from interpreter.former import carried_over
from interpreter.job import NOT_COMPUTED, Computed, failure
from interpreter.journal import Emit, Now
from interpreter.lasting import OURS
from interpreter.load import Load
from interpreter.losing import WORKER_LOST
from interpreter.orders import HAND_OVER, Cancel, Evaluate, HandOver, Invoke, Outcome
from interpreter.pace import RecordedPace
from interpreter.payloads import json_payload
from interpreter.plans import decoded
from interpreter.reusable import REMEMBER, Remember
from interpreter.settling import timed_out_node
from interpreter.start import Carried, Start, fresh

STEP_EVENT = "perdure_step_event"
"""The extern function that takes step events out to the worker's sink."""
EVALUATE = "perdure.evaluate"
"""The local activity that computes what exceeds the inline budget."""

LONGEST_TURN = 0.4
"""Seconds of computing before the workflow task ends: Temporal kills it at two."""
LOCALS = 100
"""Local activities of one execution under way at once: a workflow task ends only when they have."""
MOST_RUNNING = 1_000
"""Activities under way at once, our own included: with 2,000 Temporal accepts no more commands."""
EVALUATIONS = 4
"""Computations of one execution under way at once; each takes what it reads with it."""
SHORTEST = timedelta(milliseconds=1)
LISTED = 10
"""So many nodes are named in the current details."""


@workflow.defn(dynamic=True)
class Interpreter:
    """Executes any workflow of any tenant: its type is the workflow's name, its activities are the nodes."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        self._converter = converter = workflow.payload_converter()
        self._info = info = workflow.info()
        self._loop = asyncio.get_running_loop()
        if len(args) < 2:
            raise ApplicationError("An execution is started with what it begins with and a plan.", type="input.invalid")
        self._args = args
        self._start = converter.from_payload(args[0].payload, Start)
        self._plan = decoded(args[1].payload.data)
        self._clock = Clock(self._start.test)
        carried = carried_over(args[2].payload.data) if len(args) > 2 else self._fresh()
        self._clock.goes_by(carried)
        self._now = Now()
        self._load = Load()
        self._suggested = False
        self._refresh()
        self._pace = RecordedPace(self._now, self._patched)
        whose = strand_id(info.workflow_id)
        self._execution = Execution(
            whose.execution,
            self._start,
            self._plan,
            now=self._now,
            emit=cast(Emit, workflow.extern_functions()[STEP_EVENT]),  # pyright: ignore[reportUnknownMemberType]
            pace=self._pace,
            carried=carried,
            segments=[segment.payload.data for segment in args[3:]],
            tenant=whose.tenant,
            remember=cast(Remember | None, workflow.extern_functions().get(REMEMBER)),  # pyright: ignore[reportUnknownMemberType]
        )
        self._running: dict[int, _Running] = {}
        self._unstarted: list[tuple[_Running, Sequence[bytes]]] = []
        """Those of them that Temporal has not been told of, with their arguments."""
        self._locals = 0
        """How many of them are local."""
        hand_over = cast(HandOver | None, workflow.extern_functions().get(HAND_OVER))  # pyright: ignore[reportUnknownMemberType]
        self._handed = hand_over(info.run_id) if hand_over is not None else dict[str, tuple[JsonValue, Invocation]]()
        """What local activities are called with. Where an interpreter is only replayed, they do not run."""
        self._ended = Ended()
        self._told: deque[Told] = deque()
        """What has come by signal and was not looked at."""
        self._wake: asyncio.Future[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: float | None = None
        self._cancel_seen = False
        self._commands = 0
        """Activities and timers that this run started."""
        self._later: deque[Invoke] = deque()
        """Activities of our own, asked for by nodes that wait, which are many."""
        self._evaluations: deque[Evaluate] = deque()
        """Those that wait for their turn."""
        self._evaluating = 0
        self._stragglers: set[int] = set()
        """Activities that outlasted the patience of the rest; history is cut once they have ended."""
        self._patient_until: float | None = None
        self._execution.begin()  # before anything is heard

    def use_outbound(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Start activities by it: `workflow.start_activity` would hand it the same, but passes each of its arguments on
        twice before, in a sixth of the time that a start takes."""
        self._outbound = outbound

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> JsonValue:
        """Run the plan to its end, over as many continued runs as that takes."""
        execution = self._execution
        while True:
            self._settle_ended()
            if self._told:
                self._hear()
            await self._advance()
            if execution.outcome is not None:
                workflow.set_current_details(self._details())
                return self._result(execution.outcome)
            if self._ended or self._told or self._loses_patience():
                continue
            if not self._running and self._must_hold():
                self._continue()
            if self._running or self._evaluations or self._later or not execution.skip():
                await self._sleep()

    @workflow.signal
    def event(self, event: EmittedEvent) -> None:
        """Something has happened that nodes may wait for."""
        self._tell(event)

    @workflow.update(name=DECIDE)
    def decide(self, decision: Decision) -> Decided:
        """A person has decided."""
        self._refresh()
        decided = self._execution.decide(decision)
        self._rouse()
        return decided

    @decide.validator
    def may_decide(self, decision: Decision) -> None:
        """Refuse what may not be: that leaves nothing in history."""
        with _refusing():
            self._execution.tasks.answered(decision, now=self._clock.at(workflow.time()))

    @workflow.signal(name=DECIDE)
    def decide_unanswered(self, decision: Decision) -> None:
        """The same from those who can only send signals; what may not be changes nothing."""
        self._refresh()
        with suppress(PerdureError):
            self._execution.decide(decision)
        self._rouse()

    @workflow.query(name=DECIDED)
    def decided(self, decision: Decision) -> Answer:
        """What a decision would be told now."""
        return self._execution.tasks.answer(decision, now=self._clock.at(workflow.time()))

    @workflow.query(name=TASKS)
    def tasks(self) -> list[Task]:
        """What is asked of people."""
        return self._execution.tasks.open()

    @workflow.query(name=TASK)
    def task(self, path: str) -> Task | None:
        """What is asked of people at one place, or was."""
        return self._execution.tasks.task(path)

    @workflow.query(name=RETRIES)
    def retries(self) -> list[LaterAttempt]:
        """Attempts that wait for their time."""
        return showing.retries(self._execution.frames, MOST_RUNNING)

    @workflow.update(name=STEER)
    def steer(self, command: Command) -> Steered:
        """Somebody pauses, resumes, steps, skips a node, edits variables, sets breakpoints."""
        self._refresh()
        told = self._execution.steer(command)
        self._rouse()
        return told

    @steer.validator
    def may_steer(self, command: Command) -> None:
        """Refuse what may not be: that leaves nothing in history."""
        with _refusing():
            self._execution.steering.check(command)

    @workflow.signal(name=STEER)
    def steer_unanswered(self, command: Command) -> None:
        """The same from who waits for no answer, as a parent; what may not be changes nothing."""
        self._refresh()
        with suppress(PerdureError):
            self._execution.steer(command)
        self._rouse()

    @workflow.query(name=LOOK_INSIDE)
    def inside(self, of: InsideOf) -> Inside:
        """Where the execution stands, graph by graph."""
        return self._execution.inside.look(of)

    @workflow.query(name=VARIABLES_SEEN)
    def scopes(self, path: str) -> list[Scope] | None:
        """What is seen at one place, the innermost first; null: no graph runs there."""
        return self._execution.inside.scopes(path)

    @workflow.signal(name=ENDED)
    def child_ended(self, end: ChildEnd) -> None:
        """An execution that a node has started tells how it ended."""
        self._tell(end)

    @workflow.signal(name=BATCH_ENDED)
    def batch_ended(self, end: BatchEnd) -> None:
        """A batch of a loop tells how it ended."""
        self._tell(end)

    @workflow.signal(name=ADMITTED)
    def admitted(self, verdict: Verdict) -> None:
        """The gate of the workflow says whether this execution may run."""
        self._tell(verdict)

    @workflow.signal(name=SUCCEEDED)
    def dependency_succeeded(self, success: Success) -> None:
        """Something has succeeded that this execution waits for."""
        self._tell(success)

    @workflow.signal(name=END)
    def end(self, asked: EndBatch) -> None:
        """The loop of which this is a batch ends."""
        self._tell(asked)

    @workflow.query
    def state(self) -> dict[str, JsonValue]:
        """Where the execution stands, node by node."""
        running: list[JsonValue] = [one.order.path for one in self._running.values()]
        return {"running": running, "nodes": showing.nodes(self._execution.frames)}

    @workflow.query
    def variables(self) -> dict[str, JsonValue]:
        """The variables as they are now."""
        return dict(self._execution.vars)

    def _fresh(self) -> Carried:
        begun, seed = workflow.info().workflow_start_time.timestamp(), workflow.random().getrandbits(32)
        began = None if self._start.test is not None else begun
        return fresh(self._plan.graph, now=self._clock.at(workflow.time()), seed=seed, start_time=began)

    def _refresh(self) -> None:
        """Take note of what holds for the whole activation."""
        now, info = self._now, self._info
        length = info.get_current_history_length()
        if length != now.history_length:  # another workflow task
            self._load.clear()
            now.history_length = length
            self._suggested = info.is_continue_as_new_suggested()
        time_of_temporal = self._loop.time()
        now.time = self._clock.at(time_of_temporal)
        now.skew = now.time - time_of_temporal
        now.replaying = workflow.unsafe.is_replaying()
        self._turn_began = time.perf_counter()

    async def _advance(self) -> None:
        """Start what is ready: control nodes end as they start, others follow. While it breathes, more is ordered."""
        execution = self._execution
        self._carry_out()
        while True:
            has_room = len(self._running) < self._start.tuning.in_flight
            if not (execution.advance(calls=has_room and not self._must_hold(), attempts=has_room) or execution.orders):
                break
            self._carry_out()
            tired = time.perf_counter() - self._turn_began > LONGEST_TURN
            if self._pace.breathes(tired=tired) or self._load.full:
                await self._breathe()
        self._start_activities()

    def _carry_out(self) -> None:
        """Do what the execution has ordered."""
        orders = self._execution.orders
        while self._later and len(self._running) < MOST_RUNNING:
            self._invoke(self._later.popleft())
        for order in orders:  # what is cancelled may order more
            match order:
                case Invoke() if len(self._running) >= MOST_RUNNING:
                    self._later.append(order)
                case Invoke():
                    self._invoke(order)
                case Evaluate():
                    self._evaluations.append(order)
                case Cancel():
                    self._cancel(order.number)
        orders.clear()
        while self._evaluations and self._evaluating < EVALUATIONS and self._may_evaluate(self._evaluations[0]):
            self._evaluating += 1
            order = self._evaluations.popleft()
            self._track(order, (order.job, order.scope, order.moment), local=True)

    def _invoke(self, order: Invoke) -> None:
        local = order.local and self._locals < LOCALS
        if local and order.call is not OURS:
            self._handed[order.path] = order.config, order.invocation
            self._track(order, (), local=True)
        else:
            usual = order.invocation is USUAL  # goes without saying: it would cost a payload
            self._track(order, (order.config,) if usual else (order.config, order.invocation), local=local)

    def _may_evaluate(self, order: Evaluate) -> bool:
        """Nodes wait for the next run like activities; what is no node cannot be carried over."""
        return not order.of_node or not self._must_hold()

    def _cancel(self, number: int) -> None:
        if (running := self._running.get(number)) is not None:
            self._start_activities()
            running.handle.cancel()
            if running.local:
                self._ended.stop(number)
        elif (waiting := next((each for each in self._evaluations if each.number == number), None)) is not None:
            self._evaluations.remove(waiting)
            self._execution.cancelled(number)
        elif (later := next((each for each in self._later if each.number == number), None)) is not None:
            self._later.remove(later)
            self._execution.cancelled(number)

    def _track(self, order: Invoke | Evaluate, arguments: Sequence[object], *, local: bool) -> None:
        self._commands += 1
        running = self._running[order.number] = _Running(order, local)
        texts = [compact(written(argument)) for argument in arguments]
        for text in texts:
            self._load.add(len(text))
        self._unstarted.append((running, texts))
        self._locals += local

    def _start_activities(self) -> None:
        """Tell Temporal of all at once: code of its SDK and ours, in turn for each node, would keep pushing each other
        out of the processor's caches, and of a wide graph a node would take us twice as long."""
        for running, texts in self._unstarted:
            order = running.order
            if isinstance(order, Evaluate):
                running.handle = self._evaluation(order, texts)
            else:
                running.handle = self._local(order, texts) if running.local else self._activity(order, texts)
            running.handle.add_done_callback(partial(self._on_end, order.number))
        self._unstarted.clear()

    def _patched(self, id: str) -> bool:
        """A marker stands in history behind what was ordered before it."""
        self._start_activities()
        return workflow.patched(id)

    def _on_end(self, number: int, _handle: asyncio.Task[Any]) -> None:
        self._ended.add(number)
        self._rouse()

    def _tell(self, told: Told) -> None:
        self._told.append(told)
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _activity(self, order: Invoke, texts: Sequence[bytes]) -> ActivityHandle[Any]:
        call = order.call
        deadline = order.invocation.deadline
        return self._outbound.start_activity(
            StartActivityInput(
                activity=order.type,
                args=[*map(_raw, texts)],
                activity_id=order.path,
                task_queue=None if call.queue is None else f"{self._info.task_queue}.{call.queue}",
                schedule_to_close_timeout=None
                if deadline is None
                else max(SHORTEST, timedelta(seconds=deadline - workflow.time())),
                schedule_to_start_timeout=None,
                start_to_close_timeout=terms.longest(call, order.invocation),
                heartbeat_timeout=terms.LOST_AFTER,
                retry_policy=terms.retry_policy(call.retry, order.invocation.earlier_attempts),
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                headers={},
                disable_eager_execution=False,
                versioning_intent=None,
                summary=terms.summary(order.title),
                priority=Priority.default,
                arg_types=None,
                ret_type=RawValue,
            )
        )

    def _local(self, order: Invoke, texts: Sequence[bytes]) -> ActivityHandle[Any]:
        return self._start_local(order.type, texts, order.path, order.title, terms.LOCAL_PATIENCE)

    def _evaluation(self, order: Evaluate, texts: Sequence[bytes]) -> ActivityHandle[Any]:
        id = f"{order.path} (expressions)"
        return self._start_local(EVALUATE, texts, id, order.title, terms.EVALUATION_TIMEOUT)

    def _start_local(
        self, type: str, texts: Sequence[bytes], id: str, title: str | None, timeout: timedelta
    ) -> ActivityHandle[Any]:
        return self._outbound.start_local_activity(
            StartLocalActivityInput(
                activity=type,
                args=[*map(_raw, texts)],
                activity_id=id,
                schedule_to_close_timeout=None,
                schedule_to_start_timeout=None,
                start_to_close_timeout=timeout,
                retry_policy=terms.ONCE,
                local_retry_threshold=None,
                cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                headers={},
                summary=terms.summary(title),
                ret_type=RawValue,
            )
        )

    def _settle_ended(self) -> None:
        """Tell the execution what ended."""
        for number in self._ended.take():
            running = self._running.pop(number)
            self._stragglers.discard(number)
            self._evaluating -= running.evaluates
            if running.local:
                self._locals -= 1
                self._load.mark()
                self._handed.pop(running.order.path, None)
            try:
                payload: Payload = running.handle.result().payload
            except asyncio.CancelledError:
                self._execution.cancelled(number)
            except FailureError as error:  # of a local activity, its failure itself
                self._settle_failed(number, error, running)
            else:
                text = payload.data  # each time it is asked for, it is copied
                self._load.add(len(text))
                if running.evaluates:
                    self._execution.computed(number, self._converter.from_payload(payload, Computed))
                else:
                    self._execution.succeeded(number, text or b"null", cached=CACHED in payload.metadata)
            self._execution.follow()

    def _hear(self) -> None:
        while self._told:
            self._execution.hear(self._told.popleft())
            self._execution.follow()

    def _settle_failed(self, number: int, error: FailureError, running: "_Running") -> None:
        cause = error.cause if isinstance(error, ActivityError) else error
        match cause:
            case CancelledError():
                self._execution.cancelled(number)
            case TimeoutError() if running.local:
                self._execution.lasted(number)
            case TimeoutError(type=TimeoutType.START_TO_CLOSE | TimeoutType.HEARTBEAT):
                self._execution.unknown(number, WORKER_LOST)
            case TimeoutError():
                self._execution.failed(number, timed_out_node())
            case ApplicationError() if running.evaluates:
                self._execution.computed(number, failure(NOT_COMPUTED))
            case ApplicationError(non_retryable=False) if running.local:
                self._execution.again(number, _error_value(cause), _seconds(cause.next_retry_delay))
            case ApplicationError() if isinstance(error, ActivityError) and error.retry_state == RetryState.TIMEOUT:
                self._execution.failed(number, timed_out_node(cause=_error_value(cause)))
            case ApplicationError():
                self._execution.failed(number, _error_value(cause))
            case _:
                raise error

    def _must_hold(self) -> bool:
        """Whether no activity may start, so that this run comes to a safe point and continues as new."""
        after = self._start.tuning.continue_after
        if not (self._suggested if after is None else self._commands >= after):
            return False
        # A run that goes on after a cancelled one could not end as cancelled.
        if self._execution.ending == "cancelled":
            return False
        return not self._stragglers or self._now.history_length >= self._start.tuning.most_events

    def _loses_patience(self) -> bool:
        """An activity that runs for long does not hold up the rest, until the history is really long."""
        if not self._running or not self._must_hold():
            self._patient_until = None
        elif self._patient_until is None:
            self._patient_until = self._now.time + self._start.tuning.patience
        elif self._patient_until <= self._now.time:
            self._stragglers = set(self._running)
            self._patient_until = None
            return True
        return False

    def _continue(self) -> None:
        for order in reversed(self._evaluations):
            self._execution.put_back(order.number)
        carried, segments = self._execution.carried()
        workflow.continue_as_new(args=[*self._args[:2], carried, *map(_raw, segments)])

    async def _sleep(self) -> None:
        """Until something ends, its time has come, or the execution is cancelled."""
        self._set_alarm()
        if self._locals < len(self._running) or not self._running:  # local ones are over before anybody looks
            workflow.set_current_details(self._details())
        self._wake = self._loop.create_future()
        await self._interruptible(self._wake)

    async def _breathe(self) -> None:
        """End the workflow task and go on in the next."""
        self._start_activities()
        await self._interruptible(workflow.sleep(SHORTEST))
        self._load.clear()

    async def _interruptible(self, awaitable: Awaitable[None]) -> None:
        """A request to cancel is remembered for the loop. Eviction looks alike, and must not be dealt with."""
        try:
            await awaitable
        except asyncio.CancelledError:
            if self._cancel_seen or workflow.cancellation_reason() is None:
                raise
            self._cancel_seen = True
        self._refresh()
        if self._cancel_seen:
            self._execution.cancel()

    def _set_alarm(self) -> None:
        """One timer, for what is due first."""
        at = None if self._clock.jumps else self._execution.alarm()
        if self._patient_until is not None:
            at = self._patient_until if at is None else min(at, self._patient_until)
        if at == self._alarm_at and (at is None or (self._alarm is not None and not self._alarm.done())):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at, self._alarm = at, None
        if at is not None:
            span = max(SHORTEST, timedelta(seconds=at - self._now.time))
            self._alarm = asyncio.create_task(
                workflow.sleep(span, summary=terms.summary(showing.first_due(self._execution.alarms)))
            )
            self._alarm.add_done_callback(lambda _: self._rouse())

    def _details(self) -> str:
        """What Temporal's Web UI shows under current details."""
        lines = [showing.settled(self._execution.frames)]
        if running := [one.order.path for one in islice(self._running.values(), LISTED)]:
            lines.append(f"running ({len(self._running)}): {', '.join(running)}")
        if waiting := showing.waiting(self._execution.frames, LISTED):
            lines.append(f"waiting: {', '.join(waiting)}")
        return "\n\n".join(lines)

    def _result(self, outcome: Outcome) -> JsonValue:
        if outcome.status == "cancelled":
            raise asyncio.CancelledError
        if outcome.error is not None:
            error = outcome.error
            detail = error.model_dump(mode="json", exclude_none=True)
            raise ApplicationError(error.message, detail, type=error.code, non_retryable=True)
        return outcome.output


@dataclass(slots=True)
class _Running:
    order: Invoke | Evaluate
    local: bool
    handle: ActivityHandle[Any] = field(init=False)

    @property
    def evaluates(self) -> bool:
        return isinstance(self.order, Evaluate)


@contextmanager
def _refusing() -> Generator[None]:
    try:
        yield
    except PerdureError as refused:
        raise ApplicationError(refused.message, refused.details, type=refused.code, non_retryable=True) from None


def _raw(text: bytes) -> RawValue:
    return RawValue(json_payload(text))


def _error_value(error: ApplicationError) -> ErrorValue:
    if error.details and isinstance(error.details[0], dict):
        return ErrorValue.model_validate(error.details[0])
    return ErrorValue(code=error.type or "internal", message=error.message)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
