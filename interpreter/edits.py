"""Gives variables other values on somebody's word."""

from collections.abc import Mapping
from contextlib import suppress

from pydantic import JsonValue

from dag.steering_refusals import GraphUnknown, VariableUnknown
from interpreter.frames import Frame, Frames
from interpreter.places import frame_at
from interpreter.sizes import check_size


def check(frames: Frames, path: str, values: Mapping[str, JsonValue]) -> None:
    """Raises GraphUnknown, VariableUnknown, and the error of values that are too large."""
    frame = frame_at(frames, path)
    declared = _declared(frame)
    for name in values:
        if name not in declared:
            where = f"The graph at `{path[:200]}`" if path else "The document's own graph"
            message = f"{where} declares no variable `{name[:100]}`."
            raise VariableUnknown(message, details={"declared": [*declared]})
    check_size(dict(values))


def edit(frames: Frames, path: str, values: Mapping[str, JsonValue]) -> None:
    """Give them. What has been computed from the former values stays as it is."""
    frame_at(frames, path).at.vars.update(values)


def copy(frames: Frames, path: str, values: Mapping[str, JsonValue]) -> None:
    """Give them to a batch's copy of a graph around it, if it has one."""
    with suppress(GraphUnknown):
        frame_at(frames, path).at.vars.update(values)


def _declared(frame: Frame) -> list[str]:
    """Those that have their first values by now; before, they would be overwritten by them."""
    return [*frame.declared] if frame.at.begun else []
