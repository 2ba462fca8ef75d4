"""What executions tell each other of one starting another: the activities that begin and look after children, and the
signal that brings a child's end."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue, SkipValidation, TypeAdapter

from dag.errors import ErrorValue
from dag.steering import Debugging

BEGIN = "perdure.begin"
LOOK = "perdure.child"
CANCEL = "perdure.cancel"
REPORT = "perdure.report"
ENDED = "child_ended"
"""The signal that brings a ChildEnd."""

WORKFLOW = "workflow"
ON_FAILURE = "on_failure"
"""What executions that are started by others have as their trigger."""


@dataclass(frozen=True)
class Parent:
    """Who waits for an execution."""

    workflow_id: str
    """Temporal's, of the strand that waits."""
    path: str
    """Of its node."""


@dataclass(frozen=True)
class Origin:
    """What started an execution, waiting for it or not: another one."""

    execution: str
    path: str
    """Of the node; `settings.on_failure` where that names the workflow."""


@dataclass(frozen=True)
class Beginning:
    """An execution to be started: one, however often this is said for the same path and attempt. The answer is its
    id."""

    path: str
    """Of the node that starts it."""
    name: str
    version: int | str | None
    """A number, a tag; null: the newest."""
    input: SkipValidation[JsonValue]
    wait: bool
    """Whether its end is waited for."""
    priority: int
    depth: int = 0
    """How many executions wait for it, for those that wait for it, and so on."""
    attempt: int = 1
    """Which attempt at the execution that starts it."""
    started_by: str | None = None
    """Who started that one."""
    trigger: Literal["workflow", "on_failure", "test"] = WORKFLOW
    test: SkipValidation[JsonValue] = None
    """What stands in for the world there, where this one is a test (dag/testing/preparing.py reads it)."""
    debug: Debugging | None = None
    """How it is debugged, where the one that starts it is."""
    again: str | None = None
    """Who has the execution that starts it go on: then it may have been started before, and goes on too."""


@dataclass(frozen=True)
class Child:
    """An execution that a node has started."""

    path: str
    """Of the node."""
    execution: str


@dataclass(frozen=True)
class ChildEnd:
    """How an execution that a node has started came to its end."""

    path: str
    execution: str
    status: Literal["succeeded", "failed", "cancelled", "timed_out", "terminated"]
    output: SkipValidation[JsonValue] = None
    error: ErrorValue | None = None


_CHILD_END = TypeAdapter(ChildEnd)


def child_end(written: JsonValue) -> ChildEnd:
    """A child's end, as an activity tells it."""
    return _CHILD_END.validate_python(written)


@dataclass(frozen=True)
class Report:
    """A child's end, for its parent."""

    parent: Parent
    end: ChildEnd
