"""What can be said of an execution afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.reference.world import Happening

Status = Literal["pending", "running", "succeeded", "failed", "skipped", "cancelled"]


@dataclass(frozen=True)
class NodeOutcome:
    """How one node ended. Without an output there is none; null is one."""

    status: Status
    port: str | None
    output: Any
    code: str | None


@dataclass(frozen=True)
class Step:
    """What happened (nothing at first), and what was done then: activities started, and asked to stop."""

    happening: Happening | None
    started: tuple[str, ...]
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """All that can be said of an execution afterwards."""

    status: Literal["succeeded", "failed", "cancelled", "timed_out"]
    output: Any
    code: str | None
    culprit: str | None
    """The node that the error names."""
    causes: tuple[str, ...]
    """For `join.unsatisfiable`: the nodes that failed, in the order of time."""
    nodes: Mapping[str, NodeOutcome]
    order: tuple[str, ...]
    """The nodes that had their turn and were not skipped then, in that order."""
    configs: Mapping[str, Any]
    """What each activity was given."""
    steps: tuple[Step, ...] = field(default=(), compare=False)
