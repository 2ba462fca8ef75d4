"""`while` and `repeat`: one turn after another, as long as a condition or a number says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.plan import PlanNode
from interpreter.constructs.steps import Ask, End, Fail, Fill, Halt, Leave, Open, Read, Step, Yield
from interpreter.words.nesting import IterationsLimit


@dataclass
class Turns:
    """How far a loop has come. The outputs of its turns take two slots in turn."""

    max_iterations: int
    times: int | None = None
    kind: Literal["turns"] = "turns"
    next: int = 0
    running: bool = False
    broken: bool = False
    leaving: bool = False


def begin(config: Mapping[str, JsonValue]) -> Turns:
    """A loop that has not had a turn."""
    times, most = config.get("times"), config["max_iterations"]
    assert isinstance(most, int)
    assert times is None or isinstance(times, int)
    return Turns(most, times)


def start(state: Turns, node: PlanNode, read: Read) -> Iterator[Step]:
    """Ask for the first turn, or start it."""
    if node.type == "while":
        yield _whether_another(state, node, read)
    else:
        yield from _turn(state, read)


def ended(state: Turns, node: PlanNode, read: Read, end: End) -> Iterator[Step]:
    """A turn has ended."""
    state.running = False
    if state.leaving:
        yield Leave()
        return
    match end.how:
        case "succeeded" | "continued":
            if end.how == "continued":
                yield Fill(state.next % 2, None)
            state.next += 1
            if node.type == "while":
                yield _whether_another(state, node, read)
            elif state.times is None:
                yield _whether_done(state, node, read)
            else:
                yield from _turn(state, read)
        case "failed":
            assert end.error is not None
            yield Fail(end.error)
        case "broken" | "cancelled":
            yield _result(state)


def answered(state: Turns, node: PlanNode, read: Read, *, answer: bool) -> Iterator[Step]:
    """Whether there is another turn (`while`), or was the last one (`repeat`)."""
    if answer == (node.type == "while"):
        yield from _turn(state, read)
    else:
        yield _result(state)


def failed(error: ErrorValue) -> Iterator[Step]:
    """A condition could not be computed; no turn is running then."""
    yield Fail(error)


def leave(state: Turns) -> Iterator[Step]:
    """End everything inside."""
    state.leaving = True
    yield Halt() if state.running else Leave()


def _turn(state: Turns, read: Read) -> Iterator[Step]:
    if state.next == state.times:
        yield _result(state)
    elif state.next >= state.max_iterations and state.times is None:
        yield Fail(IterationsLimit(f"The loop would take more than its {state.max_iterations} turns.").value())
    else:
        state.running = True
        yield Open("body", state.next, {"loop": _loop(state, state.next, read)}, slot=state.next % 2)


def _whether_another(state: Turns, node: PlanNode, read: Read) -> Ask:
    assert isinstance(node.config.value, dict)
    return Ask(str(node.config.value["condition"]), {"loop": _loop(state, state.next, read)})


def _whether_done(state: Turns, node: PlanNode, read: Read) -> Ask:
    assert isinstance(node.config.value, dict)
    turn = state.next - 1
    loop = _loop(state, turn, read) | {"output": read(turn % 2), "done": state.next}
    return Ask(str(node.config.value["until"]), {"loop": loop})


def _loop(state: Turns, turn: int, read: Read) -> dict[str, JsonValue]:
    loop: dict[str, JsonValue] = {"index": turn}
    if state.times is not None:
        loop["count"] = state.times
    if turn > 0:
        loop["previous"] = read((turn - 1) % 2)
    return loop


def _result(state: Turns) -> Yield:
    return Yield("value", ((state.next - 1) % 2,) if state.next else ())
