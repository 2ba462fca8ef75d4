"""Whose turn it is to start a node, of all graphs that run."""

from typing import Any

from interpreter.constructs.steps import Open
from interpreter.frames import Frame, Frames
from interpreter.start import Carried, fresh
from tests.interpreter.documents import computing, document, work
from tests.interpreter.publishing import published
from tests.interpreter.witness import Witness, types


def frames(nodes: dict[str, Any]) -> tuple[Frames, Frame, Carried]:
    plan = published(document(nodes), types=types(Witness()))
    at = fresh(plan.graph, now=0.0, seed=0)
    running = again(plan.graph, at)
    running.root.at.begun = True
    running.root.frontier.begin()
    running.queue(running.root)
    return running, running.root, at


def again(graph: Any, at: Carried) -> Frames:
    return Frames(graph, at.frames, ready=at.ready, held_back=at.held_back, counter=at.counter, fast=True)


def taken(running: Frames, *, calls: bool = True) -> list[str]:
    """The paths of all that may start now, in their order."""
    found: list[str] = []
    while (one := running.take(calls=calls)) is not None:
        frame, place = one
        found.append(frame.path(place))
    return found


def opened(running: Frames, frame: Frame, holder: str, *asked: Open) -> list[Frame]:
    """Begin graphs of a node's, which has been taken."""
    place = frame.graph.place[holder]
    begun = [running.open(frame, place, one, slot=0, due=None) for one in asked]
    for one in begun:
        one.at.begun = True
        one.frontier.begin()
    running.queue_inside(frame, place, begun)
    return begun


def test_activities_that_are_held_back_keep_their_turn() -> None:
    running, root, at = frames({"a": work(), "b": computing("1"), "c": work(), "d": computing("2")})
    assert taken(running, calls=False) == ["b", "d"]
    at.frames, at.ready, at.held_back = running.states(), running.ready(), running.held_back()
    running = again(root.graph, at)
    first = running.take(calls=True)
    assert first is not None
    assert first[0].path(first[1]) == "a"
    running.put_back(*first)
    assert taken(running) == ["a", "c"]


def test_what_is_inside_a_node_goes_before_what_is_around_it_and_in_its_own_order() -> None:
    body = {"nodes": {"x": computing("1"), "y": computing("2")}}
    running, root, _ = frames(
        {"each": {"type": "for_each", "config": {"items": "[1, 2, 3]", "body": body}}, "z": work()}
    )
    assert running.take(calls=True) == (root, 0)
    opened(running, root, "each", Open("body", 0), Open("body", 1))
    assert [running.take(calls=True), running.take(calls=True)] != []
    opened(running, root, "each", Open("body", 2))
    assert taken(running) == ["each[1].x", "each[1].y", "each[2].x", "each[2].y", "z"]


def test_what_was_held_back_in_a_graph_that_has_ended_is_forgotten() -> None:
    body = {"nodes": {"x": work()}}
    running, root, _ = frames({"each": {"type": "for_each", "config": {"items": "[1]", "body": body}}, "z": work()})
    running.take(calls=True)
    (turn,) = opened(running, root, "each", Open("body", 0))
    assert taken(running, calls=False) == []
    turn.frontier.end("cancelled")
    running.close(turn)
    assert running.held_back() == [root.at.base + 1]
    assert taken(running) == ["z"]
