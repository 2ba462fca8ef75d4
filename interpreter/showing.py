"""What queries and Temporal's Web UI show of where an execution stands."""

from itertools import islice

from pydantic import JsonValue

from dag.retries import LaterAttempt
from interpreter.alarms import Alarms
from interpreter.frames import Frames
from interpreter.times import iso
from interpreter.view import public

MOST_LOOKED_AT = 50
"""Graphs of those that run: what is shown at every step must not cost more in a large loop."""


def nodes(frames: Frames) -> dict[str, JsonValue]:
    """Where each node stands in the graphs that run, by its path."""
    return {
        frame.path(place): {"status": public(status), "port": frame.at.standing.port[place]}
        for frame in frames.all()
        for place, status in enumerate(frame.at.standing.status)
    }


def settled(frames: Frames) -> str:
    """How many nodes of the document's own graph have settled."""
    size = frames.root.size
    return f"{size - frames.root.frontier.unsettled} of {size} nodes settled"


def waiting(frames: Frames, most: int) -> list[str]:
    """The first few nodes that wait."""
    waits = (frame.path(place) for frame in islice(frames.all(), MOST_LOOKED_AT) for place in frame.waiting())
    return [*islice(waits, most)]


def retries(frames: Frames, most: int) -> list[LaterAttempt]:
    """The first few attempts that wait for their time."""
    found = (
        LaterAttempt(frame.path(place), wait.attempts + 1, iso(wait.until))
        for frame in islice(frames.all(), MOST_LOOKED_AT)
        for place, wait in frame.at.waits.items()
        if wait.call is not None
    )
    return [*islice(found, most)]


def first_due(alarms: Alarms) -> str | None:
    """The node whose time comes first, by the title people know it by."""
    first = alarms.first()
    if first is None:
        return None
    frame, place, _ = first
    return frame.graph.nodes[place].title or frame.path(place)
