"""Why an execution is not steered as somebody wants it."""

from dag.errors import PerdureError


class ExecutionNotHeld(PerdureError):
    """The execution is not paused: there is nothing to step from."""

    code = "debug.conflict"


class NodeUnknown(PerdureError):
    """No graph that runs has such a node; a turn, branch or part that has not begun has none yet."""

    code = "node.unknown"


class NodeClosed(PerdureError):
    """The node has settled already."""

    code = "node.closed"


class GraphUnknown(PerdureError):
    """No graph at this path runs."""

    code = "graph.unknown"


class VariableUnknown(PerdureError):
    """The graph does not declare such a variable; `details` name those that it declares."""

    code = "variable.unknown"


class BreakpointUnknown(PerdureError):
    """There is no breakpoint at this node."""

    code = "breakpoint.unknown"


class BreakpointRefused(PerdureError):
    """The condition of the breakpoint cannot be asked."""

    code = "breakpoint.refused"


class TooManyBreakpoints(PerdureError):
    """An execution has 100 breakpoints at most; clear some."""

    code = "limit.breakpoints"


REFUSALS: tuple[type[PerdureError], ...] = (
    ExecutionNotHeld,
    NodeUnknown,
    NodeClosed,
    GraphUnknown,
    VariableUnknown,
    BreakpointUnknown,
    BreakpointRefused,
    TooManyBreakpoints,
)
