"""The control words that last: what each does when it starts, and when something comes that it waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.plan import PlanNode
from dag.strands import BATCH
from interpreter.constructs import asking, batches, calling, emitting, event_wait, for_each, parallel, trying, turns
from interpreter.constructs.asking import Asking
from interpreter.constructs.batches import Batched
from interpreter.constructs.calling import Calling
from interpreter.constructs.emitting import Emitting
from interpreter.constructs.event_wait import EventWait
from interpreter.constructs.for_each import ForEach
from interpreter.constructs.parallel import Parallel
from interpreter.constructs.steps import End, Fail, Read, Step
from interpreter.constructs.trying import Try
from interpreter.constructs.turns import Turns

State = ForEach | Batched | Turns | Parallel | Try | EventWait | Emitting | Asking | Calling


@dataclass(frozen=True, slots=True)
class Begun:
    """What holds for the whole execution."""

    at: float
    attempt: int
    depth: int = 0
    """How many executions wait for it, for those that wait for it, and so on."""
    priority: int = 3
    started_by: str | None = None
    batch: int = BATCH
    """Turns in a batch of a large loop."""
    batches_beyond: int = 2 * BATCH
    """A loop over more items is large."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node runs."""

    node: PlanNode
    path: str
    now: float
    begun: Begun
    read: Read


def begin(config: Mapping[str, JsonValue], at: Place) -> tuple[State, int]:
    """How far the node has come as it starts, and how many slots it takes."""
    match at.node.type:
        case "for_each" if batches.is_large(config, at.node, beyond=at.begun.batches_beyond):
            large = batches.begin(config, path=at.path, size=at.begun.batch)
            return large, 1 + large.count
        case "for_each":
            loop = for_each.begin(config)
            return loop, 1 + loop.count
        case "while" | "repeat":
            return turns.begin(config), 2
        case "parallel":
            return parallel.begin(config), len(at.node.graphs)
        case "wait_event":
            return event_wait.begin(config, path=at.path, now=at.now, begun=at.begun.at), 1
        case "emit_event":
            return Emitting(), 1
        case "workflow":
            return calling.begin(config, path=at.path), 1
        case "approval" | "ask":
            return asking.begin(config, word=at.node.type, path=at.path, now=at.now), 1
        case _:
            return Try(), 3


def start(state: State, config: Mapping[str, JsonValue], at: Place) -> Iterator[Step]:
    """Start what is first."""
    match state:
        case ForEach():
            return for_each.start(state, at.node, at.read)
        case Batched():
            return batches.start(state)
        case Turns():
            return turns.start(state, at.node, at.read)
        case Parallel():
            return parallel.start(state, at.node)
        case Try():
            return trying.start(state)
        case EventWait():
            return event_wait.start(state)
        case Emitting():
            return emitting.start(config, path=at.path, attempt=at.begun.attempt)
        case Calling():
            begun = at.begun
            inherited = {"attempt": begun.attempt, "priority": begun.priority, "started_by": begun.started_by}
            return calling.start(state, {**config, **inherited}, depth=begun.depth)
        case Asking():
            return asking.start(state)


def ended(state: State, at: Place, part: str, turn: int | None, end: End, *, fast: bool) -> Iterator[Step]:
    """One of the graphs inside has ended; `fast`, if it has failed, tells whether others are cancelled."""
    match state:
        case ForEach():
            assert turn is not None
            return for_each.ended(state, at.node, at.read, turn, end, fast=fast)
        case Turns():
            return turns.ended(state, at.node, at.read, end)
        case Parallel():
            return parallel.ended(state, at.node, part, end, fast=fast)
        case Try():
            return trying.ended(state, at.node, end)
        case _:
            raise AssertionError("there are no graphs inside")


def answered(state: State, at: Place, *, answer: bool) -> Iterator[Step]:
    """The condition that was asked for has been computed."""
    match state:
        case ForEach():
            return for_each.answered(state, at.node, at.read, answer=answer)
        case Turns():
            return turns.answered(state, at.node, at.read, answer=answer)
        case EventWait():
            return event_wait.answered(state, at.node, answer=answer)
        case _:
            raise AssertionError("it asks for nothing")


def called(state: State, at: Place, answer: JsonValue, *, fast: bool) -> Iterator[Step]:
    """The activity that was asked for has answered."""
    match state:
        case ForEach():
            return for_each.warned(state)
        case Batched():
            return batches.called(state, answer, now=at.now, fast=fast)
        case EventWait():
            return event_wait.called(state, at.node, answer)
        case Emitting():
            return emitting.called(answer)
        case Calling():
            return calling.called(state, answer, now=at.now)
        case _:
            raise AssertionError("it calls nothing")


def failed(state: State, error: ErrorValue, *, fast: bool) -> Iterator[Step]:
    """What was asked for, a condition or an activity, could not be had."""
    match state:
        case ForEach():
            return for_each.failed(state, error, fast=fast)
        case Batched():
            return batches.refused(state, error, fast=fast)
        case Turns():
            return turns.failed(error)
        case EventWait():
            return event_wait.failed(state, error)
        case Emitting():
            return iter([Fail(error)])
        case Calling():
            return calling.failed(state, error)
        case _:
            raise AssertionError("it asks for nothing")


def rang(state: State, at: Place) -> Iterator[Step]:
    """The time has come that the node wanted to be told of."""
    match state:
        case EventWait():
            return event_wait.rang(state, at.node)
        case Calling():
            return calling.rang(state)
        case Batched():
            return batches.rang(state)
        case Asking():
            return asking.rang(state, at.now)
        case _:
            raise AssertionError("it waits for no time")


def leave(state: State, *, grace_until: float | None) -> Iterator[Step]:
    """End everything inside, but for what is to be done at the end, until then."""
    match state:
        case Batched():
            return batches.leave(state, grace_until=grace_until)
        case ForEach():
            return for_each.leave(state)
        case Turns():
            return turns.leave(state)
        case Parallel():
            return parallel.leave(state)
        case Try():
            return trying.leave(state)
        case EventWait():
            return event_wait.leave(state)
        case Emitting():
            return emitting.leave(state)
        case Calling():
            return calling.leave(state)
        case Asking():
            return asking.leave(state)


def break_off(state: State) -> Iterator[Step]:
    """One of the turns ends the loop, and itself."""
    return for_each.break_off(state) if isinstance(state, ForEach) else iter(())


def is_concurrent(state: State) -> bool:
    """Whether graphs inside run at once."""
    return isinstance(state, Parallel) or (isinstance(state, ForEach) and not state.in_order)
