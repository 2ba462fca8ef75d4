"""Skips a node on somebody's word: one that has not started settles, one that waits or runs is asked to stop."""

from dag.steering_refusals import NodeClosed
from interpreter.frames import Frames
from interpreter.frontier import STARTED, UNSETTLED
from interpreter.places import node_at
from interpreter.settling import Settling


def check(frames: Frames, path: str) -> None:
    """Raises NodeUnknown, NodeClosed."""
    frame, place = node_at(frames, path)
    status = frame.at.standing.status[place]
    if status not in UNSETTLED:
        raise NodeClosed(f"The node has settled already: it is {status}.", details={"status": status})


def skip(frames: Frames, settling: Settling, path: str) -> None:
    """Skip it. What has had its effect by the time it stops has succeeded all the same."""
    frame, place = node_at(frames, path)
    if frame.at.standing.status[place] in STARTED and not frame.frontier.is_cancelling(place):
        settling.skipping.append(frame.at.base + place)
    settling.clear(frame, place)


def note(frames: Frames, number: int) -> None:
    """A node has started of which nothing else tells that it has."""
    for frame in frames.all():
        if 0 <= number - frame.at.base < frame.size:
            frames.note(frame, number - frame.at.base)
