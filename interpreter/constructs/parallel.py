"""`parallel`: branches at once, until enough of them have succeeded or too few still can."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.plan import PlanNode
from interpreter.constructs.steps import End, Fail, Halt, Leave, Open, Step, Yield
from interpreter.failures import causes


@dataclass
class Parallel:
    """How far the branches have come; each by its place in the written order, which is also its slot."""

    enough: int | None
    """How many have to succeed; None: all of them."""
    result: str
    kind: Literal["parallel"] = "parallel"
    running: int = 0
    succeeded: list[int] = field(default_factory=list[int])
    """In the order of their ends."""
    failures: list[ErrorValue] = field(default_factory=list[ErrorValue])
    decided: bool = False
    error: ErrorValue | None = None
    leaving: bool = False


def begin(config: Mapping[str, JsonValue]) -> Parallel:
    """Branches that have not started."""
    enough = config["enough"]
    assert enough is None or isinstance(enough, int)
    return Parallel(enough, str(config["result"]))


def start(state: Parallel, node: PlanNode) -> Iterator[Step]:
    """Start all branches."""
    if state.enough is not None and state.enough > len(node.graphs):
        yield Fail(_unsatisfiable(state, node))
        return
    state.running = len(node.graphs)
    for slot, name in enumerate(node.graphs):
        yield Open(name, slot=slot)


def ended(state: Parallel, node: PlanNode, part: str, end: End, *, fast: bool) -> Iterator[Step]:
    """A branch has ended."""
    state.running -= 1
    if end.how == "succeeded":
        state.succeeded.append([*node.graphs].index(part))
    elif end.how == "failed":
        assert end.error is not None
        state.failures.append(end.error)
    if not (state.decided or state.leaving):
        yield from _decide(state, node, fast=fast)
    yield from _close(state, node)


def leave(state: Parallel) -> Iterator[Step]:
    """End everything inside."""
    state.leaving = True
    yield Halt() if state.running else Leave()


def _decide(state: Parallel, node: PlanNode, *, fast: bool) -> Iterator[Step]:
    if state.enough is None:
        state.error = state.failures[0] if state.failures else None
        state.decided = state.error is not None
        stops = state.decided and fast
    elif len(state.succeeded) >= state.enough:
        state.decided = stops = True
    elif len(state.succeeded) + state.running < state.enough:
        state.error = _unsatisfiable(state, node)
        state.decided, stops = True, fast
    else:
        stops = False
    if stops and state.running:
        yield Halt()


def _unsatisfiable(state: Parallel, node: PlanNode) -> ErrorValue:
    message = f"Too few of the {len(node.graphs)} branches can succeed."
    return ErrorValue(code="join.unsatisfiable", message=message, cause=causes(state.failures))


def _close(state: Parallel, node: PlanNode) -> Iterator[Step]:
    if state.running:
        return
    if state.leaving:
        yield Leave()
    elif state.error is not None:
        yield Fail(state.error)
    else:
        yield _result(state, [*node.graphs])


def _result(state: Parallel, names: list[str]) -> Yield:
    written = tuple(sorted(state.succeeded))
    match state.result:
        case "list":
            return Yield("list", written)
        case "merge":
            return Yield("merge", written)
        case "first":
            return Yield("value", tuple(state.succeeded[:1]))
        case "last":
            return Yield("value", tuple(state.succeeded[-1:]))
        case _:
            return Yield("by_name", written, tuple(names[slot] for slot in written))
