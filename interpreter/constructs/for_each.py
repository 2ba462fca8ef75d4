"""`for_each`: turns over a list behind a window, in item order where results are put together.

One over many items is a `Batched` of which each batch is such a loop, over its part of the items, in a strand of its
own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.batches import Turn
from dag.errors import ErrorValue
from dag.plan import PlanNode
from interpreter.constructs.steps import Ask, Conclude, End, Fail, Halt, Leave, Open, Read, Step, Warn, Yield
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
    ended: dict[int, Turn] = field(default_factory=dict[int, Turn])
    errors: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    """Of failed turns, where the result tells them."""
    unasked: list[int] = field(default_factory=list[int])
    """Turns that ended of which `until` has not been asked; the first is being asked about."""
    closed: bool = False
    """No new turn starts."""
    error: ErrorValue | None = None
    leaving: bool = False
    first: int = 0
    """The turn that it begins with."""
    of: int | None = None
    """In a batch, the number of items of the whole loop."""
    broken: bool = False
    warning: bool = False
    """Whether the loop is being told that this batch comes to its end."""

    @property
    def in_order(self) -> bool:
        """Whether each turn begins after the one before it."""
        return self.concurrency == 1 and self.of is None


def slot_of(state: ForEach, turn: int) -> int:
    """The slot of a turn's output."""
    return 1 + turn - state.first


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
        state.closed = state.broken = True
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
    is_first, state.error = state.error is None, state.error or error
    state.closed = True
    state.unasked.clear()
    if state.of is not None and state.running and is_first:
        yield from _warn(state, "failing")
    if fast and state.running:
        yield Halt()
    yield from _close(state)


def finish(state: ForEach) -> Iterator[Step]:
    """Start no new turn."""
    state.closed = True
    state.unasked.clear()
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
    if state.of is not None:
        yield from _warn(state, "breaking")
    yield Halt()


def warned(state: ForEach) -> Iterator[Step]:
    """The loop knows that this batch comes to its end."""
    state.warning = False
    yield from _close(state)


def until(node: PlanNode) -> str | None:
    """The loop's condition to start no new turn."""
    assert isinstance(node.config.value, dict)
    written = node.config.value.get("until")
    return written if isinstance(written, str) else None


def _go_on(state: ForEach, node: PlanNode, read: Read) -> Iterator[Step]:
    end = state.first + state.count
    while not (state.closed or state.unasked) and state.running < state.concurrency and state.next < end:
        turn = state.next
        state.next += 1
        state.running += 1
        yield Open("body", turn, _names(state, node, read, turn), slot=slot_of(state, turn))
    yield from _close(state)


def _close(state: ForEach) -> Iterator[Step]:
    if state.running or state.unasked or state.warning or not (state.closed or state.next == state.first + state.count):
        return
    if state.of is not None:
        yield Conclude()
    elif state.leaving:
        yield Leave()
    elif state.error is not None:
        yield Fail(state.error)
    else:
        yield result(state.result, state.ended, state.errors)


def _warn(state: ForEach, how: Literal["breaking", "failing"]) -> Iterator[Step]:
    if not state.warning:
        state.warning = True
        yield Warn(how)


def _names(state: ForEach, node: PlanNode, read: Read, turn: int) -> dict[str, JsonValue]:
    assert isinstance(node.config.value, dict)
    items = read(ITEMS)
    assert isinstance(items, list)
    item = items[turn - state.first]
    loop: dict[str, JsonValue] = {"index": turn, "item": item, "count": state.of or state.count}
    if state.in_order and turn > 0:
        loop["previous"] = read(slot_of(state, turn - 1))
    return {str(node.config.value["as"]): item, "loop": loop}


def _question(state: ForEach, node: PlanNode, read: Read, turn: int) -> Ask:
    condition = until(node)
    assert condition is not None
    names = _names(state, node, read, turn)
    loop = names["loop"]
    assert isinstance(loop, dict)
    loop["output"] = read(slot_of(state, turn))
    loop["done"] = len(state.ended)
    return Ask(condition, names)


def result(mode: str, ended: Mapping[int, Turn], errors: Mapping[int, ErrorValue]) -> Yield:
    """What the loop's output is made of, the turns being in the order of their slots from the first."""
    turns = sorted(ended)
    yielding = [turn for turn in turns if ended[turn] == "succeeded"]
    match mode:
        case "list":
            return Yield("list", tuple(1 + turn for turn in turns))
        case "full":
            rows = tuple(_row(turn, ended[turn], errors.get(turn)) for turn in turns)
            return Yield("full", tuple(1 + turn for turn in turns), rows=rows)
        case "merge":
            return Yield("merge", tuple(1 + turn for turn in yielding))
        case "first" | "last" as which:
            chosen = yielding[:1] if which == "first" else yielding[-1:]
            return Yield("value", tuple(1 + turn for turn in chosen))
        case _:
            return Yield("none")


def needed(mode: str, ended: Mapping[int, Turn]) -> list[int]:
    """The turns with outputs that such a result may be made of."""
    yielding = [turn for turn in sorted(ended) if ended[turn] == "succeeded"]
    match mode:
        case "first":
            return yielding[:1]
        case "last":
            return yielding[-1:]
        case "none":
            return []
        case _:
            return yielding


def _row(turn: int, how: Turn, error: ErrorValue | None) -> dict[str, JsonValue]:
    return {"index": turn, "status": STATUS[how], "output": None, "error": None if error is None else dumped(error)}
