"""What a person who debugs sees of a running execution: its graphs and nodes, the variables, in bounds."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import orjson
from pydantic import JsonValue

from dag.masks import masked
from dag.steering import GraphInside, Inside, InsideOf, NodeInside, Scope, Value
from dag.steering_refusals import GraphUnknown
from interpreter.failures import dumped
from interpreter.frames import Frame, Frames
from interpreter.outputs import Outputs
from interpreter.places import frame_at
from interpreter.steering import Steering
from interpreter.view import public

MOST_NODES = 500
SHOWN_BYTES = 16 * 1024
"""Of one value; of a larger one its size is told."""
MOST_BYTES = 512 * 1024
"""Of all values of one answer."""
MOST_NEXT = 50


class Insight:
    """Looks, and changes nothing: Temporal asks it between workflow tasks."""

    def __init__(self, frames: Frames, outputs: Outputs, steering: Steering):
        self._frames = frames
        self._outputs = outputs
        self._steering = steering

    def look(self, of: InsideOf) -> Inside:
        """Where the execution stands, an outer graph before those inside it."""
        state, budget = self._steering.state, _Budget()
        left, more = min(max(of.limit, 1), MOST_NODES), False
        graphs: list[GraphInside] = []
        for frame in self._frames.all():
            if not _is_under(frame, of.path):
                continue
            if not left:
                more = True
                break
            nodes = [self._node(frame, place, budget) for place in range(min(left, frame.size))]
            more, left = more or frame.size > left, left - len(nodes)
            graphs.append(GraphInside(frame.prefix[:-1], nodes))
        next = [*islice((frame.path(place) for frame, place in self._frames.upcoming()), MOST_NEXT)]
        return Inside(state.paused, state.debugging, state.held, state.breakpoints, next, graphs, more)

    def scopes(self, path: str) -> list[Scope] | None:
        """What is seen from a graph, the innermost first."""
        try:
            frame = frame_at(self._frames, path)
        except GraphUnknown:
            return None
        budget = _Budget()
        return [Scope(one.prefix[:-1], [*_values(one, budget)]) for one in frame.outward()]

    def _node(self, frame: Frame, place: int, budget: "_Budget") -> NodeInside:
        node, standing = frame.graph.nodes[place], frame.at.standing
        output: JsonValue = None
        size: int | None = None
        number = frame.at.base + place
        if standing.status[place] == "succeeded" and number in self._outputs:
            text = self._outputs.text(number)
            if budget.has_room(len(text)):
                output = masked(self._outputs.value(number), node.call.mask if node.call else ())
            else:
                size = len(text)
        error = frame.at.errors.get(place)
        return NodeInside(
            frame.path(place),
            node.type,
            public(standing.status[place]),
            standing.port[place],
            output,
            size,
            None if error is None else dumped(error),
        )


class _Budget:
    """What one answer may hold."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def has_room(self, size: int) -> bool:
        """Whether a value of so many bytes is shown."""
        if size > SHOWN_BYTES or size > self._left:
            return False
        self._left -= size
        return True


def _values(frame: Frame, budget: _Budget) -> Iterator[Value]:
    for name, value in frame.at.vars.items():
        yield _value(name, "variable", value, budget)
    for name, value in frame.at.names.items():
        yield _value(name, "name", value, budget)


def _value(name: str, kind: Literal["variable", "name"], value: JsonValue, budget: _Budget) -> Value:
    size = len(orjson.dumps(value))
    return Value(name, kind, value) if budget.has_room(size) else Value(name, kind, bytes=size)


def _is_under(frame: Frame, path: str) -> bool:
    own = frame.prefix[:-1]
    return not path or own == path or own.startswith((f"{path}.", f"{path}["))
