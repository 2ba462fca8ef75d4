"""`try`: a body, what is done about its errors, and what is done at the end whatever happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dag.errors import ErrorValue, matches
from dag.plan import PlanNode
from interpreter.constructs.steps import End, Fail, Halt, Leave, Open, Step, Yield
from interpreter.failures import causes, dumped

BODY, CAUGHT, LAST = 0, 1, 2
"""Slots. Nobody reads the output of `finally`, but it must be one."""


@dataclass
class Try:
    """How far it has come."""

    kind: Literal["try"] = "try"
    phase: Literal["body", "catch", "finally"] = "body"
    error: ErrorValue | None = None
    yields: int = BODY
    leaving: bool = False


def start(state: Try) -> Iterator[Step]:
    """Start the body."""
    yield Open("body", slot=BODY)


def ended(state: Try, node: PlanNode, end: End) -> Iterator[Step]:
    """The body, a `catch` or `finally` has ended."""
    if end.error is not None:
        before, state.error = state.error, end.error
        if before is not None:
            state.error = end.error.model_copy(update={"cause": causes([before])[0]})
    if state.phase == "body" and end.how == "failed" and not state.leaving:
        assert end.error is not None
        if (caught := _catch(node, end.error)) is not None:
            number, name = caught
            state.phase, state.yields = "catch", CAUGHT
            yield Open(f"catch[{number}]", names={name: dumped(end.error)}, slot=CAUGHT)
            return
    if state.phase == "catch" and end.how == "succeeded":
        state.error = None
    if state.phase != "finally" and "finally" in node.graphs:
        state.phase = "finally"
        yield Open("finally", slot=LAST, shielded=True)
    elif state.leaving:
        yield Leave()
    elif state.error is not None:
        yield Fail(state.error)
    else:
        yield Yield("value", (state.yields,))


def leave(state: Try) -> Iterator[Step]:
    """End what runs; `finally` still has its turn."""
    state.leaving = True
    yield Halt()


def _catch(node: PlanNode, error: ErrorValue) -> tuple[int, str] | None:
    """The first entry that takes an error, and the name the error has there."""
    assert isinstance(node.config.value, dict)
    entries = node.config.value["catch"]
    assert isinstance(entries, list)
    for number, entry in enumerate(entries):
        assert isinstance(entry, dict)
        codes = entry["codes"]
        if not isinstance(codes, list) or any(matches(error.code, str(code)) for code in codes):
            return number, str(entry["as"])
    return None
