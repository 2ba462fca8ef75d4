"""Breakpoints as requests say them, and as executions are told of them."""

from collections.abc import Sequence

from api.executions.shapes import BreakpointShape
from dag.steering import Breakpoint, Debugging


def debugging(asked: bool | Sequence[BreakpointShape]) -> Debugging | None:  # noqa: FBT001 as it stands in the body
    """How an execution is debugged from its start, if it is."""
    match asked:
        case True:
            return Debugging(hold=True, reaches=True)
        case False:
            return None
        case _:
            return Debugging(tuple(map(breakpoint_of, asked)), reaches=True)


def breakpoint_of(asked: BreakpointShape) -> Breakpoint:
    """The same breakpoint."""
    return Breakpoint(asked.node, asked.condition, asked.on_error)
