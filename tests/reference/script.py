"""What the world does while a graph runs: how each activity ends and when, and when somebody cancels the execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.reference.paths import id_of, turn_of


@dataclass(frozen=True)
class Returns:
    """An activity ends with an output."""

    output: Any = None


@dataclass(frozen=True)
class Raises:
    """An activity ends with an error that is not tried again."""

    code: str


@dataclass(frozen=True)
class Acknowledges:
    """An activity that was asked to stop did so, without effect."""


Ending = Returns | Raises | Acknowledges


@dataclass(frozen=True)
class Behaviour:
    """What one activity does; times in seconds of the script's own clock."""

    takes: float = 1
    ends: Returns | Raises = Returns({"v": 0})
    answers_after: float = 0
    """How long it goes on once it is asked to stop."""
    answers: Ending = Acknowledges()


@dataclass(frozen=True)
class Script:
    """Everything that is not in the document."""

    input: Mapping[str, Any] = field(default_factory=dict[str, Any])
    activities: Mapping[str, Behaviour] = field(default_factory=dict[str, Behaviour])
    """By path, or by id for all runs of a node; what is not here behaves as by default."""
    turns: Mapping[str, tuple[Behaviour, ...]] = field(default_factory=dict[str, tuple[Behaviour, ...]])
    """By id, for nodes within loops: what their runs do turn after turn, over and over."""
    cancel_at: float | None = None

    def behaviour(self, path: str) -> Behaviour:
        node = id_of(path)
        if path not in self.activities and node in self.turns:
            return self.turns[node][turn_of(path) % len(self.turns[node])]
        return self.activities.get(path) or self.activities.get(node) or Behaviour()
