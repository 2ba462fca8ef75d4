"""The control words that hold graphs: what each does when it starts, and when something inside it ends."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.plan import PlanNode
from interpreter.constructs import for_each, parallel, trying, turns
from interpreter.constructs.for_each import ForEach
from interpreter.constructs.parallel import Parallel
from interpreter.constructs.steps import End, Read, Step
from interpreter.constructs.trying import Try
from interpreter.constructs.turns import Turns

State = ForEach | Turns | Parallel | Try
LOOPS = frozenset({"for_each", "while", "repeat"})


def begin(node: PlanNode, config: Mapping[str, JsonValue]) -> tuple[State, int]:
    """How far the node has come as it starts, and how many slots it takes."""
    match node.type:
        case "for_each":
            loop = for_each.begin(config)
            return loop, 1 + loop.count
        case "while" | "repeat":
            return turns.begin(config), 2
        case "parallel":
            return parallel.begin(config), len(node.graphs)
        case _:
            return Try(), 3


def start(state: State, node: PlanNode, read: Read) -> Iterator[Step]:
    """Start what is first."""
    match state:
        case ForEach():
            return for_each.start(state, node, read)
        case Turns():
            return turns.start(state, node, read)
        case Parallel():
            return parallel.start(state, node)
        case Try():
            return trying.start(state)


def ended(
    state: State, node: PlanNode, read: Read, part: str, turn: int | None, end: End, *, fast: bool
) -> Iterator[Step]:
    """One of the graphs inside has ended; `fast`, if it has failed, tells whether others are cancelled."""
    match state:
        case ForEach():
            assert turn is not None
            return for_each.ended(state, node, read, turn, end, fast=fast)
        case Turns():
            return turns.ended(state, node, read, end)
        case Parallel():
            return parallel.ended(state, node, part, end, fast=fast)
        case Try():
            return trying.ended(state, node, end)


def answered(state: State, node: PlanNode, read: Read, *, answer: bool) -> Iterator[Step]:
    """The condition that was asked for has been computed."""
    match state:
        case ForEach():
            return for_each.answered(state, node, read, answer=answer)
        case Turns():
            return turns.answered(state, node, read, answer=answer)
        case _:
            raise AssertionError("only loops ask")


def unanswered(state: State, error: ErrorValue, *, fast: bool) -> Iterator[Step]:
    """The condition that was asked for could not be computed."""
    match state:
        case ForEach():
            return for_each.failed(state, error, fast=fast)
        case Turns():
            return turns.failed(error)
        case _:
            raise AssertionError("only loops ask")


def leave(state: State) -> Iterator[Step]:
    """End everything inside, but for what is to be done at the end."""
    match state:
        case ForEach():
            return for_each.leave(state)
        case Turns():
            return turns.leave(state)
        case Parallel():
            return parallel.leave(state)
        case Try():
            return trying.leave(state)


def break_off(state: State) -> Iterator[Step]:
    """One of the turns ends the loop, and itself."""
    return for_each.break_off(state) if isinstance(state, ForEach) else iter(())


def is_concurrent(state: State) -> bool:
    """Whether graphs inside run at once."""
    return isinstance(state, Parallel) or (isinstance(state, ForEach) and state.concurrency != 1)
