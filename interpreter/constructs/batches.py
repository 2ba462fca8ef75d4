"""`for_each` over many items: batches of turns, each in a strand of its own, behind a window.

What a batch has done comes in one piece, when it has ended. The window divides the loop's concurrency among the batches
that run, so that they never exceed it together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from dag.batches import END_BATCH, LOOK_AT_BATCH, BatchEnd, Turn, batch_end
from dag.errors import ErrorValue, PerdureError
from dag.plan import PlanNode
from interpreter.constructs.for_each import result, until
from interpreter.constructs.steps import Call, Dispatch, Fail, Fill, Leave, Owe, Say, Step, Stop, Until

AT_ONCE = 4
"""Batches that run at once: while one ends and the next begins, the others have enough to do."""
SILENCE = 3_600.0
"""Seconds after which silent batches are asked after: they may have been killed."""


class BatchTerminated(PerdureError):
    """An operator ended a batch of the loop at once; what its turns did is not known."""

    code = "batch.terminated"


class BatchCancelled(PerdureError):
    """An operator cancelled a batch of the loop."""

    code = "batch.cancelled"


@dataclass(frozen=True)
class Wish:
    """Something to be done for a batch, one at a time."""

    doing: Literal["begin", "cancel", "finish", "look"]
    number: int
    grace_until: float | None = None


@dataclass
class Batched:
    """How far a loop has come."""

    path: str
    count: int
    concurrency: int
    tolerated: float | None
    """How many failed turns it goes on after: none; None: any number."""
    result: str
    size: int
    """Of a batch."""
    kind: Literal["batched"] = "batched"
    next: int = 0
    """The batch that begins next."""
    shares: dict[int, int] = field(default_factory=dict[int, int])
    """By batch that runs, how many of its turns may run at once."""
    wishes: list[Wish] = field(default_factory=list[Wish])
    """The first is under way."""
    early: dict[int, BatchEnd] = field(default_factory=dict[int, BatchEnd])
    """Of batches whose beginning has not been heard of: a worker may die just then."""
    ended: dict[int, Turn] = field(default_factory=dict[int, Turn])
    errors: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    """Of failed turns, where the result tells them."""
    closed: bool = False
    """No new batch begins."""
    error: ErrorValue | None = None
    leaving: bool = False


def is_large(config: Mapping[str, JsonValue], node: PlanNode, *, beyond: int) -> bool:
    """Whether a loop is run in batches. What must know of every turn as it ends is not: one where turns follow each
    other, one that is asked after each turn whether to go on, one that goes on after so many failures. Nor is one whose
    turns see what happens around it."""
    items = config["items"]
    assert isinstance(items, list)
    return (
        len(items) > beyond
        and not node.undivided
        and config["concurrency"] != 1
        and until(node) is None
        and config["tolerated"] in (0, None)
    )


def begin(config: Mapping[str, JsonValue], *, path: str, size: int) -> Batched:
    """A loop over so many items, none of which has had its turn."""
    items, concurrency, tolerated = config["items"], config["concurrency"], config["tolerated"]
    assert isinstance(items, list)
    assert isinstance(concurrency, int)
    assert not isinstance(tolerated, str | list | dict)
    return Batched(path, len(items), concurrency, tolerated, str(config["result"]), size)


def start(state: Batched) -> Iterator[Step]:
    """Begin the first batches."""
    yield from _go_on(state)


def called(state: Batched, answer: JsonValue, *, now: float, fast: bool) -> Iterator[Step]:
    """What was wished for first has been done."""
    done = state.wishes[0]
    if done.doing == "begin" and done.number in state.early:
        yield from _ended(state, state.early.pop(done.number), fast=fast)
    elif done.doing == "look" and answer is not None and done.number in state.shares:
        yield from _ended(state, batch_end(answer), fast=fast)
    yield Until(now + SILENCE)
    yield from _done(state)


def refused(state: Batched, error: ErrorValue, *, fast: bool) -> Iterator[Step]:
    """What was wished for first could not be done."""
    failed = state.wishes[0]
    if failed.doing == "begin":
        del state.shares[failed.number]
        yield from _fail(state, error, fast=fast)
    yield from _done(state)


def reported(state: Batched, end: BatchEnd, *, fast: bool) -> Iterator[Step]:
    """A batch says how it ended. It may say so twice."""
    number = end.batch.number
    if end.how in ("breaking", "failing"):
        if end.how == "breaking" or not state.closed:  # else each of them ends already, or knows why it does
            state.closed = True
            yield from _end_all(state, "cancel" if fast or end.how == "breaking" else "finish", but=number)
    elif number >= state.next or any(one.doing == "begin" and one.number == number for one in state.wishes):
        state.early[number] = end
    elif number in state.shares:
        yield from _ended(state, end, fast=fast)
        yield from _go_on(state)


def rang(state: Batched) -> Iterator[Step]:
    """The batches have been silent for long."""
    yield from _wish(state, [Wish("look", number) for number in state.shares])


def leave(state: Batched, *, grace_until: float | None) -> Iterator[Step]:
    """End everything inside."""
    state.leaving = state.closed = True
    yield from _end_all(state, "cancel", grace_until=grace_until)
    yield from _go_on(state)


def _ended(state: Batched, end: BatchEnd, *, fast: bool) -> Iterator[Step]:
    del state.shares[end.batch.number]
    state.ended.update(end.turns)
    if state.result == "full":
        state.errors.update(end.errors)
    for turn, output in end.outputs.items():
        yield Fill(1 + int(turn), output)
    for turn, due in end.due.items():
        yield Owe(1 + int(turn), due)
    yield Say("batch.ended", {"batch": end.batch.number, "how": end.how})
    match end.how:
        case "failed":
            assert end.error is not None
            yield from _fail(state, end.error, fast=fast)
        case "terminated":
            yield from _fail(state, BatchTerminated().value(), fast=fast)
        case "cancelled" if not state.closed:
            yield from _fail(state, BatchCancelled().value(), fast=fast)
        case "broken":
            state.closed = True
            yield from _end_all(state, "cancel")
        case "stopped":
            state.leaving = state.closed = True
            yield from _end_all(state, "cancel")
            yield Stop(end.output)
        case _:
            pass


def _fail(state: Batched, error: ErrorValue, *, fast: bool) -> Iterator[Step]:
    """The loop fails once its running batches have ended."""
    state.error = state.error or error
    if not state.closed:
        state.closed = True
        yield from _end_all(state, "cancel" if fast else "finish")


def _go_on(state: Batched) -> Iterator[Step]:
    batches = -(-state.count // state.size)
    while not state.closed and state.next < batches and len(state.shares) < AT_ONCE:
        free = state.concurrency - sum(state.shares.values())
        share = -(-free // min(AT_ONCE - len(state.shares), batches - state.next))
        if not share:
            break
        state.shares[state.next] = share
        state.next += 1
        yield from _wish(state, [Wish("begin", state.next - 1)])
    if state.shares or state.wishes or not (state.closed or state.next == batches):
        return
    if state.leaving:
        yield Leave()
    elif state.error is not None:
        yield Fail(state.error)
    else:
        yield result(state.result, state.ended, state.errors)


def _end_all(
    state: Batched, how: Literal["cancel", "finish"], *, grace_until: float | None = None, but: int | None = None
) -> Iterator[Step]:
    for unbegun in [one for one in state.wishes[1:] if one.doing == "begin"]:
        state.wishes.remove(unbegun)
        del state.shares[unbegun.number]
    yield from _wish(state, [Wish(how, number, grace_until) for number in state.shares if number != but])


def _wish(state: Batched, wishes: list[Wish]) -> Iterator[Step]:
    idle = not state.wishes
    state.wishes.extend(wishes)
    if idle:
        yield from _next_wish(state)


def _done(state: Batched) -> Iterator[Step]:
    state.wishes.pop(0)
    yield from _next_wish(state)
    yield from _go_on(state)


def _next_wish(state: Batched) -> Iterator[Step]:
    """Have what is first done, leaving out what has no object any more."""
    while state.wishes and state.wishes[0].number not in state.shares:
        state.wishes.pop(0)
    if not state.wishes:
        return
    wish = state.wishes[0]
    batch: JsonValue = {"path": state.path, "number": wish.number}
    match wish.doing:
        case "begin":
            first = wish.number * state.size
            count = min(state.size, state.count - first)
            yield Say("batch.started", {"batch": wish.number, "first": first, "count": count})
            yield Dispatch(wish.number, first, count, state.shares[wish.number])
        case "look":
            yield Call(LOOK_AT_BATCH, {"path": state.path, "batch": batch})
        case turns:
            ending: dict[str, JsonValue] = {"path": state.path, "batch": batch, "turns": turns}
            yield Call(END_BATCH, {**ending, "grace_until": wish.grace_until})
