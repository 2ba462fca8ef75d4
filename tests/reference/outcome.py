"""What can be said of an execution afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.reference.failure import Failure
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
    """What happened (nothing at first), and what was done then: activities started, and asked to stop; and every node
    that settled."""

    happening: Happening | None
    started: tuple[str, ...]
    asked: tuple[str, ...]
    settled: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """All that can be said of an execution afterwards. Node runs go by their paths."""

    status: Literal["succeeded", "failed", "cancelled", "timed_out"]
    output: Any
    error: Failure | None
    nodes: Mapping[str, NodeOutcome]
    """Compensations are among them."""
    order: Mapping[str, tuple[str, ...]]
    """By the path of each graph that ran: its nodes that had their turn and were not skipped then, in that order."""
    configs: Mapping[str, Any]
    """What each activity was given."""
    compensation: Literal["none", "done", "failed"] = "none"
    compensated: tuple[str, ...] = ()
    """The compensations, in the order in which they ran."""
    steps: tuple[Step, ...] = field(default=(), compare=False)

    @property
    def code(self) -> str | None:
        return self.error and self.error.code

    @property
    def culprit(self) -> str | None:
        """The node that the error names."""
        return self.error and self.error.node

    @property
    def causes(self) -> tuple[str | None, ...]:
        """Where the errors arose that led to this one; of `join.unsatisfiable`, in the order of time."""
        return tuple(cause.path for cause in self.error.causes) if self.error else ()
