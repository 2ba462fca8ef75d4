"""What the world does while a graph runs: how each activity ends and when, and when somebody cancels the execution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """By node; a node that is not here behaves as by default."""
    cancel_at: float | None = None

    def behaviour(self, node: str) -> Behaviour:
        return self.activities.get(node, Behaviour())
