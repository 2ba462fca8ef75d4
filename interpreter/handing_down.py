"""What batches and executions that are waited for are told of how the one around them is debugged."""

import re
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter

from dag.steering import Breakpoint, Debugging, Follow, StepInside
from dag.sub_workflows import BEGIN
from interpreter.pausing import GOES_ON, Beyond, Follower, State, Stepping, heeded, target_of

_TURN = re.compile(r"\[[0-9]+\]")
_DEBUGGING = TypeAdapter(Debugging)


def wanted(at: State, target: str, path: str | None) -> Follow:
    """How a target is to stand: a batch, or with the path of its node an execution that is waited for."""
    beyond = at.beyond
    assert beyond is not None
    follower = beyond.followers.get(target, _NEW)
    return Follow(
        paused=(at.paused or beyond.stepping is not None) and target != beyond.stepping,
        breakpoints=tuple(heeded(at).values()) if path is None else below(heeded(at), path),
        releases=follower.releases,
        step=follower.step,
        edits={**beyond.edits} if path is None else {},
    )


def below(breakpoints: Mapping[str, Breakpoint], path: str) -> tuple[Breakpoint, ...]:
    """Those for the nodes of the execution that a node waits for, as that names them. What names one turn comes
    first."""
    found: dict[str, Breakpoint] = {}
    for around in dict.fromkeys((path, _TURN.sub("", path))):
        for name, each in breakpoints.items():
            inner = name.removeprefix(f"{around}.")
            if inner != name and inner not in found:
                found[inner] = Breakpoint(inner, each.condition, each.on_error)
    return tuple(found.values())


def child_argument(at: State | None, activity: str, argument: JsonValue) -> JsonValue:
    """What the activity is asked that begins an execution, with how that is debugged, if it is."""
    if at is None or at.beyond is None or activity != BEGIN:
        return argument
    assert isinstance(argument, dict)
    if not argument["wait"]:
        return argument
    breakpoints = below(heeded(at), str(argument["path"]))
    holds = _steps_into(at)
    if not breakpoints and not holds:
        return argument
    debug = Debugging(breakpoints, hold=holds, reaches=True, around=True)
    return {**argument, "debug": _DEBUGGING.dump_python(debug, mode="json")}


def batch_state(at: State, path: str, number: int) -> State | None:
    """How a batch that begins is steered. A step into the loop goes on in its first one. None: it is not."""
    target = target_of(path, number)
    if at.beyond is None:
        if not at.paused:
            return None
        at.told.append(target)
        return State(paused=True)
    beyond = at.beyond
    follower = beyond.followers[target] = Follower()
    stepping: Stepping | None = None
    if _steps_into(at):
        at.stepping, stepping = None, Stepping("into", base=GOES_ON)
        give_step(beyond, target, "into", starts=False)
    follower.told = told = wanted(at, target, None)
    return State(
        paused=told.paused,
        stepping=stepping,
        beyond=Beyond(
            breakpoints={each.node: each for each in told.breakpoints},
            reports=True,
            paused=told.paused,
            stepped=0 if told.step is None else told.step.number,
        ),
    )


def give_step(beyond: Beyond, target: str, mode: str, *, starts: bool) -> None:
    """Have a step go on in a batch, or in an execution that is waited for."""
    beyond.stepping = target
    beyond.steps += 1
    follower = beyond.followers.setdefault(target, Follower())
    follower.step = StepInside("into" if mode == "into" else "over", starts, beyond.steps)


def _steps_into(at: State) -> bool:
    """Whether a step has started a node, and ends inside it."""
    stepping = at.stepping
    return stepping is not None and stepping.mode == "into" and stepping.base is not None and stepping.base >= 0


_NEW = Follower()
