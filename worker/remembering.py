"""What an execution has done that a further attempt, or a rerun, can take over: put together while it is replayed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from pydantic import TypeAdapter

from dag.again import Wanted
from dag.events import StepEvent
from dag.json_writing import compact
from dag.sub_workflows import WORKFLOW
from interpreter.compensation import Due
from interpreter.explaining import Asked
from interpreter.reusable import Reusable
from interpreter.rounds import first_of

_DUE = TypeAdapter(list[Due])


@dataclass(frozen=True, slots=True)
class _Done:
    type: str
    port: str | None
    output: bytes


@dataclass
class Memory:
    """Is told what happens in one attempt. Everything goes by the paths of nodes."""

    attempt: int
    knows: bool = True
    """Whether it is known what the attempt itself took over, if anything."""
    nodes: dict[str, _Done] = field(default_factory=dict[str, _Done])
    lost: dict[str, None] = field(default_factory=dict[str, None])
    due: dict[str, Due] = field(default_factory=dict[str, Due])
    undo: dict[str, Due] = field(default_factory=dict[str, Due])
    children: dict[str, int] = field(default_factory=dict[str, int])
    rounds: dict[str, int] = field(default_factory=dict[str, int])

    def step(self, event: StepEvent, _replaying: bool) -> None:  # noqa: FBT001 called as a sink is
        """Something happened. What is not in the history yet has happened too: its causes are there."""
        data = cast(Mapping[str, Any], event.data or {})
        match event.type:
            case "node.started" if data["type"] == WORKFLOW:
                self.children.setdefault(event.path, self.attempt)
            case "node.skipped" | "node.cancelled":
                self.lost[event.path] = None
            case "node.failed" if data["port"] is None:
                self.lost[event.path] = None
            case _:
                pass

    def computes(self, path: str, asked: Callable[[], Asked]) -> None:
        """Nothing has been done yet."""

    def took_over(self, found: Reusable) -> None:
        """This is what it began with."""
        self.knows = True
        for path, done in found.nodes.items():
            self.nodes[path] = _Done(done.type, done.port, compact(orjson.dumps(done.output)))
        self.lost.update(dict.fromkeys(found.lost))
        self.due.update((each.path, each) for each in found.due)
        self.undo.update((each.path, each) for each in found.undo)
        self.children.update(found.children)
        self.rounds.update(found.rounds)

    def succeeded(self, path: str, type: str, port: str | None, output: bytes) -> None:
        """A node has this output."""
        self.nodes[path] = _Done(type, port, output)
        self.lost.pop(path, None)

    def owes(self, due: Due) -> None:
        """A node has done something that is to be undone, should the execution fail."""
        self.due[due.path] = due

    def undone(self, path: str) -> None:
        """What a node did has been undone, and so have those not succeeded that it ran in."""
        if self.undo.pop(path, None) is None:
            self.due.pop(path, None)
            self.rounds[path] = self.attempt + 1
        self.children.pop(path, None)
        for around in _outward(path):
            self.nodes.pop(around, None)


def takes(memory: Memory, wanted: Wanted) -> dict[str, Any]:
    """What can be taken over of it, as JSON."""
    anew = {*wanted.anew}
    stale = {
        around for path, round in wanted.rounds.items() if memory.attempt < round for around in _outward(path)
    }  # undone by the strand around this one
    told: dict[str, Any] = {
        "nodes": {
            path: {"type": done.type, "port": done.port, "output": orjson.Fragment(done.output)}
            for path, done in memory.nodes.items()
            if first_of(path) not in anew and path not in stale
        },
        "lost": [path for path in memory.lost if first_of(path) not in anew],
    }
    if wanted.kind == "rerun":  # what another execution did is not this one's to undo, or to go on with
        return told
    due = [each for each in memory.due.values() if first_of(each.path) not in anew]
    undo = [*memory.undo.values(), *(each for each in memory.due.values() if first_of(each.path) in anew)]
    return {
        **told,
        "due": _DUE.dump_python(due, mode="json"),
        "undo": _DUE.dump_python(undo, mode="json"),
        "children": {path: begun for path, begun in memory.children.items() if first_of(path) not in anew},
        "rounds": {**memory.rounds, **dict.fromkeys(wanted.anew, wanted.attempt)},
    }


def _outward(path: str) -> list[str]:
    """A path, and those of the nodes around it."""
    return [path, *(path[:end] for end in range(len(path) - 1, 0, -1) if path[end] in ".[")]
