"""`workflow`: starts another workflow, and waits for how it ends.

A child is an execution like any other, which reports its end by signal. One that is silent is asked after by the hour:
it may have been killed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue, PerdureError
from dag.limits import DEFAULTS
from dag.sub_workflows import BEGIN, CANCEL, LOOK, ChildEnd, child_end
from interpreter.constructs.steps import Call, Doubt, Fail, Give, Leave, Step, Tell, Until
from interpreter.failures import causes

SILENCE = 3_600.0
"""Seconds after which a silent child is asked after. One that was asked to end is then left to itself."""


class TooDeep(PerdureError):
    """Workflows that wait for each other are nested too deep."""

    code = "limit.depth"


@dataclass
class Calling:
    """How far a node is with its child."""

    path: str
    waits: bool
    kind: Literal["calling"] = "calling"
    doing: Literal["beginning", "waiting", "looking", "cancelling"] = "beginning"
    child: str | None = None
    """The execution, once it is known that it has started."""
    end: ChildEnd | None = None
    """What it reported while something else was under way."""
    asked: bool = False
    """Whether it was asked to end."""
    leaving: bool = False


def begin(config: Mapping[str, JsonValue], *, path: str) -> Calling:
    """Nothing has been started."""
    return Calling(path, waits=config["wait"] is True)


def start(state: Calling, config: Mapping[str, JsonValue], *, depth: int) -> Iterator[Step]:
    """Start the child. `depth` is how deep the parent is."""
    if state.waits and depth >= DEFAULTS.subworkflow_levels:
        message = f"Workflows that wait for each other can be nested {DEFAULTS.subworkflow_levels} levels deep."
        yield Fail(TooDeep(message).value())
        return
    depth = depth + 1 if state.waits else 0
    yield Call(BEGIN, {**config, "path": state.path, "depth": depth})


def called(state: Calling, answer: JsonValue, *, now: float) -> Iterator[Step]:
    """What was asked for has been done."""
    match state.doing:
        case "beginning":
            state.child = str(answer)
            if not state.waits:
                yield Give("out", {"execution": state.child})
                return
            yield Tell({"execution": state.child})
        case "looking" if answer is not None:
            state.end = child_end(answer)
        case "looking" if state.asked and state.end is None:
            message = f"The execution {state.child} was asked to end, and has not within an hour."
            yield Doubt(ErrorValue(code="workflow.cancelled", message=message))
            return
        case _:
            pass
    yield from _go_on(state, now=now)


def failed(state: Calling, error: ErrorValue) -> Iterator[Step]:
    """What was asked for could not be done."""
    yield Leave() if state.leaving else Fail(error)


def reported(state: Calling, end: ChildEnd) -> Iterator[Step]:
    """A child says how it ended. One of an earlier attempt at the execution may say so too."""
    if state.waits and state.child in (None, end.execution):
        end = state.end = state.end or end
        if state.doing == "waiting":
            yield from _end(state, end)


def rang(state: Calling) -> Iterator[Step]:
    """The child has been silent for long."""
    if state.doing == "waiting":
        state.doing = "looking"
        yield Call(LOOK, _child(state))


def leave(state: Calling) -> Iterator[Step]:
    """Have the child end, and wait for that."""
    state.leaving = True
    if state.doing == "waiting":
        yield _cancel(state)


def _cancel(state: Calling) -> Call:
    state.asked = True
    state.doing = "cancelling"
    return Call(CANCEL, _child(state))


def _go_on(state: Calling, *, now: float) -> Iterator[Step]:
    if state.end is not None and state.end.execution == state.child:
        yield from _end(state, state.end)
    elif state.leaving and not state.asked:
        yield _cancel(state)
    else:
        state.doing = "waiting"
        yield Until(now + SILENCE)


def _end(state: Calling, end: ChildEnd) -> Iterator[Step]:
    if end.status == "succeeded":
        yield Give("out", end.output)
    elif end.status == "terminated":
        yield Doubt(_error("workflow.terminated", end))
    elif state.leaving:
        yield Leave()
    elif end.status == "failed" and end.error is not None:
        yield Fail(_error(end.error.code, end))
    else:
        yield Fail(_error(f"workflow.{end.status}", end))


def _error(code: str, end: ChildEnd) -> ErrorValue:
    """The child's error, as one of the node's: where it arose there is the cause's to tell."""
    inner = end.error or ErrorValue(code="cancelled", message="The execution was cancelled.")
    message = inner.message if code == inner.code else f"The execution {end.execution}: {inner.message}"
    return ErrorValue(code=code, message=message, details=inner.details, cause=causes([inner])[0])


def _child(state: Calling) -> dict[str, JsonValue]:
    return {"path": state.path, "execution": state.child}
