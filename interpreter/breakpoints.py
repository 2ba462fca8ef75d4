"""Whether a breakpoint holds a node: by its path, and by a condition over what the node sees."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from dag import expressions
from dag.errors import PerdureError
from dag.expressions import Moment
from dag.plan import Sees
from dag.reads import FIELDS, ROOTS
from dag.steering import ANYWHERE, Breakpoint, Held
from dag.steering_refusals import BreakpointRefused, TooManyBreakpoints
from interpreter.computing import INLINE_UNTIMED
from interpreter.failures import dumped
from interpreter.frames import Frame
from interpreter.places import definition_path
from interpreter.view import View

MOST = 100


def check(breakpoint: Breakpoint, known: Mapping[str, Breakpoint]) -> None:
    """Raises BreakpointRefused for a condition that cannot be asked, and TooManyBreakpoints."""
    if len(known) >= MOST and breakpoint.node not in known:
        raise TooManyBreakpoints
    if breakpoint.condition is None:
        return
    try:
        read = expressions.parse(breakpoint.condition).references
    except PerdureError as wrong:
        raise BreakpointRefused(wrong.message, details=wrong.details) from None
    if "secrets" in read.roots:
        raise BreakpointRefused("A condition sees no secrets.")


def holding(
    breakpoints: Mapping[str, Breakpoint],
    frame: Frame,
    place: int,
    view: View,
    moment: Moment,
    *,
    error: JsonValue = None,
) -> Held | None:
    """That a breakpoint holds a node which starts, or which has failed with an error; None: none does. One whose
    condition fails holds, and says so."""
    for named in _names(frame, place):
        breakpoint = breakpoints.get(named)
        if breakpoint is None or breakpoint.on_error != (error is not None):
            continue
        path = frame.path(place)
        try:
            if breakpoint.condition is not None and not _holds(
                breakpoint.condition, frame, place, view, moment, error=error
            ):
                continue
        except PerdureError as wrong:
            return Held(path, "breakpoint", breakpoint.node, dumped(wrong.value()))
        return Held(path, "breakpoint" if error is None else "error", breakpoint.node, error)
    return None


def _names(frame: Frame, place: int) -> Sequence[str]:
    """By which a breakpoint can name a node, the most telling first."""
    return tuple(dict.fromkeys((frame.path(place), definition_path(frame, place), ANYWHERE)))


def _holds(condition: str, frame: Frame, place: int, view: View, moment: Moment, *, error: JsonValue) -> bool:
    scope = view.scope(frame, _sees(condition, frame))
    if error is not None:
        scope["error"] = error
    return expressions.condition(condition, scope, moment, INLINE_UNTIMED)


def _sees(condition: str, frame: Frame) -> Sees:
    """What the condition reads of what there is; the rest it finds missing."""
    read = expressions.parse(condition).references
    bound = {name for around in frame.outward() for name in around.at.names}
    nodes: list[tuple[int, tuple[str, ...]]] = []
    further: list[tuple[int, int, tuple[str, ...]]] = []
    for level, around in enumerate(frame.outward()):
        for place, node in enumerate(around.graph.nodes):
            if node.id not in read.nodes:
                continue
            fields = read.nodes[node.id]
            told = tuple(field for field in FIELDS if fields is None or field in fields)
            if level:
                further.append((level, place, told))
            else:
                nodes.append((place, told))
    roots = tuple(root for root in read.roots if root in ROOTS or root in bound)
    return Sees(roots, tuple(nodes), tuple(further))
