"""Finds the graphs and nodes that paths name, among those that run."""

from dag.steering_refusals import GraphUnknown, NodeUnknown
from interpreter.frames import Frame, Frames


def frame_at(frames: Frames, path: str) -> Frame:
    """The graph at a path. Raises GraphUnknown."""
    prefix = f"{path}." if path else ""
    found = next((frame for frame in frames.all() if frame.prefix == prefix), None)
    if found is None:
        raise GraphUnknown(f"No graph at `{path[:200]}` runs.")
    return found


def node_at(frames: Frames, path: str) -> tuple[Frame, int]:
    """The node at a path. Raises NodeUnknown."""
    around, _, id = path.rpartition(".")
    prefix = f"{around}." if around else ""
    for frame in frames.all():
        if frame.prefix == prefix:
            for place, node in enumerate(frame.graph.nodes):
                if node.id == id:
                    return frame, place
    raise NodeUnknown


def graph_of(frame: Frame) -> str:
    """A graph as the definition has it: its path without the numbers of turns."""
    parts = [
        around.node(inner.holder).id + ("" if inner.at.turn is not None else f".{inner.at.part}")
        for inner, around in ((one, one.parent) for one in frame.outward())
        if around is not None
    ]
    return ".".join(reversed(parts))


def definition_path(frame: Frame, place: int) -> str:
    """A node as the definition has it."""
    around = graph_of(frame)
    return f"{around}.{frame.node(place).id}" if around else frame.node(place).id
