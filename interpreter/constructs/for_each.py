"""`for_each`: turns over a list behind a window, in item order where results are put together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.plan import PlanNode
from interpreter.constructs.steps import Ask, End, Fail, Halt, Leave, Open, Read, Step, Yield
from interpreter.failures import dumped

ITEMS = 0
"""The slot of the items. The output of each turn has the slot after that of the turn before."""
STATUS = {"succeeded": "succeeded", "failed": "failed", "continued": "skipped"}


@dataclass
class ForEach:
    """How far a loop has come."""

    count: int
    concurrency: int
    tolerated: float | None
    """How many failed turns it goes on after; None: any number."""
    result: str
    kind: Literal["for_each"] = "for_each"
    next: int = 0
    running: int = 0
    failures: int = 0
    ended: dict[int, Literal["succeeded", "failed", "continued"]] = field(
        default_factory=dict[int, Literal["succeeded", "failed", "continued"]]
    )
    errors: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    """Of failed turns, where the result tells them."""
    unasked: list[int] = field(default_factory=list[int])
    """Turns that ended of which `until` has not been asked; the first is being asked about."""
    closed: bool = False
    """No new turn starts."""
    error: ErrorValue | None = None
    leaving: bool = False


def begin(config: Mapping[str, JsonValue]) -> ForEach:
    """A loop over so many items, none of which has had its turn."""
    items, concurrency, tolerated = config["items"], config["concurrency"], config["tolerated"]
    assert isinstance(items, list)
    assert isinstance(concurrency, int)
    assert not isinstance(tolerated, str | list | dict)
    return ForEach(len(items), concurrency, tolerated, str(config["result"]))


def start(state: ForEach, node: PlanNode, read: Read) -> Iterator[Step]:
    """Start the first turns."""
    yield from _go_on(state, node, read)


def ended(state: ForEach, node: PlanNode, read: Read, turn: int, end: End, *, fast: bool) -> Iterator[Step]:
    """A turn has ended."""
    state.running -= 1
    if end.how == "broken":
        state.closed = True
    elif end.how != "cancelled":
        state.ended[turn] = end.how
        if end.how == "failed":
            assert end.error is not None
            state.failures += 1
            if state.result == "full":
                state.errors[turn] = end.error
            if state.tolerated is not None and state.failures > state.tolerated:
                yield from failed(state, end.error, fast=fast)
                return
        if until(node) is not None and not state.closed:
            state.unasked.append(turn)
            if len(state.unasked) == 1:
                yield _question(state, node, read, turn)
    yield from _go_on(state, node, read)


def answered(state: ForEach, node: PlanNode, read: Read, *, answer: bool) -> Iterator[Step]:
    """Whether no new turn starts."""
    if not state.unasked:  # the loop has been closed meanwhile
        return
    state.unasked.pop(0)
    state.closed = state.closed or answer
    if state.closed:
        state.unasked.clear()
    elif state.unasked:
        yield _question(state, node, read, state.unasked[0])
    yield from _go_on(state, node, read)


def failed(state: ForEach, error: ErrorValue, *, fast: bool) -> Iterator[Step]:
    """The loop fails once its running turns have ended."""
    state.error = state.error or error
    state.closed = True
    state.unasked.clear()
    if fast and state.running:
        yield Halt()
    yield from _close(state)


def leave(state: ForEach) -> Iterator[Step]:
    """End everything inside."""
    state.leaving = state.closed = True
    state.unasked.clear()
    if state.running:
        yield Halt()
    yield from _close(state)


def break_off(state: ForEach) -> Iterator[Step]:
    """One of the turns says that the loop ends; it ends itself."""
    state.closed = True
    state.unasked.clear()
    yield Halt()


def until(node: PlanNode) -> str | None:
    """The loop's condition to start no new turn."""
    assert isinstance(node.config.value, dict)
    written = node.config.value.get("until")
    return written if isinstance(written, str) else None


def _go_on(state: ForEach, node: PlanNode, read: Read) -> Iterator[Step]:
    while not (state.closed or state.unasked) and state.running < state.concurrency and state.next < state.count:
        turn = state.next
        state.next += 1
        state.running += 1
        yield Open("body", turn, _names(state, node, read, turn), slot=1 + turn)
    yield from _close(state)


def _close(state: ForEach) -> Iterator[Step]:
    if state.running or state.unasked or not (state.closed or state.next == state.count):
        return
    if state.leaving:
        yield Leave()
    elif state.error is not None:
        yield Fail(state.error)
    else:
        yield _result(state)


def _names(state: ForEach, node: PlanNode, read: Read, turn: int) -> dict[str, JsonValue]:
    assert isinstance(node.config.value, dict)
    items = read(ITEMS)
    assert isinstance(items, list)
    loop: dict[str, JsonValue] = {"index": turn, "item": items[turn], "count": state.count}
    if state.concurrency == 1 and turn > 0:
        loop["previous"] = read(turn)
    return {str(node.config.value["as"]): items[turn], "loop": loop}


def _question(state: ForEach, node: PlanNode, read: Read, turn: int) -> Ask:
    condition = until(node)
    assert condition is not None
    names = _names(state, node, read, turn)
    loop = names["loop"]
    assert isinstance(loop, dict)
    loop["output"] = read(1 + turn)
    loop["done"] = len(state.ended)
    return Ask(condition, names)


def _result(state: ForEach) -> Yield:
    turns = sorted(state.ended)
    yielding = [turn for turn in turns if state.ended[turn] == "succeeded"]
    match state.result:
        case "list":
            return Yield("list", tuple(1 + turn for turn in turns))
        case "full":
            rows = tuple(_row(state, turn) for turn in turns)
            return Yield("full", tuple(1 + turn for turn in turns), rows=rows)
        case "merge":
            return Yield("merge", tuple(1 + turn for turn in yielding))
        case "first" | "last" as which:
            chosen = yielding[:1] if which == "first" else yielding[-1:]
            return Yield("value", tuple(1 + turn for turn in chosen))
        case _:
            return Yield("none")


def _row(state: ForEach, turn: int) -> dict[str, JsonValue]:
    error = state.errors.get(turn)
    status = STATUS[state.ended[turn]]
    return {"index": turn, "status": status, "output": None, "error": None if error is None else dumped(error)}
