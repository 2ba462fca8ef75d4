"""What was done before and can be taken over, and what a replay is asked to remember so that it is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import JsonValue, SkipValidation, TypeAdapter

from interpreter.compensation import Due
from interpreter.explaining import Asked

REMEMBER = "perdure_remember"
"""The extern value that a replay leaves with the interpreter to be told everything, a `Remember`."""


@dataclass(frozen=True)
class Done:
    """A node that has succeeded."""

    type: str
    port: str | None
    output: SkipValidation[JsonValue] = None


@dataclass(frozen=True)
class Reusable:
    """What can be taken over. Everything goes by the paths of nodes."""

    nodes: Mapping[str, Done] = field(default_factory=dict[str, Done])
    lost: tuple[str, ...] = ()
    """Nodes that ended without an edge of theirs becoming live, and did not succeed."""
    due: list[Due] = field(default_factory=list[Due])
    """What is to be undone should the execution fail."""
    undo: list[Due] = field(default_factory=list[Due])
    """What is to be undone before anything runs, the last one first."""
    children: Mapping[str, int] = field(default_factory=dict[str, int])
    """The attempt in which nodes that start executions began to: the same ones are gone on with."""
    rounds: Mapping[str, int] = field(default_factory=dict[str, int])
    """The attempt in which nodes run anew that had their effect before. It makes their idempotency keys others."""


class Remember(Protocol):
    """Is told what an execution has done that a further attempt can take over, and what its conditions saw."""

    def computes(self, path: str, asked: Callable[[], Asked]) -> None:
        """A node computes what it starts with, or a loop its condition. What it sees is put together on demand."""
        ...

    def took_over(self, found: Reusable) -> None:
        """This is what it began with."""
        ...

    def succeeded(self, path: str, type: str, port: str | None, output: bytes) -> None:
        """A node has this output, as JSON text."""
        ...

    def owes(self, due: Due) -> None:
        """A node has done something that is to be undone, should the execution fail."""
        ...

    def undone(self, path: str) -> None:
        """What a node did has been undone."""
        ...


_REUSABLE: TypeAdapter[Reusable] = TypeAdapter(Reusable)


def reusable(written: JsonValue) -> Reusable:
    """What can be taken over, as an activity tells it."""
    return _REUSABLE.validate_python(written)


def written(found: Reusable) -> Any:
    """The same as JSON."""
    return _REUSABLE.dump_python(found, mode="json")
