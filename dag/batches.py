"""What the strands of a large loop tell each other: its batches are begun and looked after by activities, and report by
signal how they have ended."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import JsonValue, SkipValidation, TypeAdapter

from dag.errors import ErrorValue

BEGIN_BATCH = "perdure.batch"
LOOK_AT_BATCH = "perdure.look_at_batch"
END_BATCH = "perdure.end_batch"
REPORT_BATCH = "perdure.report_batch"
BATCH_ENDED = "batch_ended"
"""The signal that brings a BatchEnd."""
END = "end"
"""The signal that brings an EndBatch."""


@dataclass(frozen=True)
class Batch:
    """One batch of a loop's."""

    path: str
    """Of the loop."""
    number: int
    """From 0, in item order."""


@dataclass(frozen=True)
class BatchOf:
    """What a strand is, and who waits for its end."""

    batch: Batch
    parent: str
    """The workflow id of the strand that the loop runs in."""
    attempt: int = 1
    """At the execution."""


@dataclass(frozen=True)
class Beginning:
    """A batch to be started: one, however often this is said."""

    path: str
    batch: Batch
    in_flight: int
    """Activities of it that may run at once."""
    carried: SkipValidation[dict[str, Any]]
    """The state that it goes on from."""
    values: SkipValidation[list[JsonValue]]
    """The outputs in it."""


@dataclass(frozen=True)
class EndBatch:
    """A batch is to end: its turns are cancelled, or with `turns` of "finish", those that run finish."""

    path: str
    batch: Batch
    turns: Literal["cancel", "finish"]
    grace_until: float | None = None
    """How long its `finally` parts may take, when the execution ends."""


@dataclass(frozen=True)
class Looking:
    """Whether a batch has ended without a word."""

    path: str
    batch: Batch


Turn = Literal["succeeded", "failed", "continued"]


@dataclass(frozen=True)
class BatchEnd:
    """How a batch came to its end, or that it comes to it, and others are to do so too. Turns go by their index in the
    whole loop."""

    batch: Batch
    how: Literal["breaking", "failing", "done", "failed", "broken", "stopped", "cancelled", "terminated"]
    turns: dict[int, Turn] = field(default_factory=dict[int, Turn])
    outputs: SkipValidation[dict[str, Any]] = field(default_factory=dict[str, Any])
    """Of turns that have one, as far as the loop's result needs them."""
    errors: dict[int, ErrorValue] = field(default_factory=dict[int, ErrorValue])
    due: SkipValidation[dict[str, Any]] = field(default_factory=dict[str, Any])
    """What turns have done that is to be undone, should the execution fail."""
    failures: int = 0
    error: ErrorValue | None = None
    output: SkipValidation[JsonValue] = None
    """What a `stop` in it ends the execution with."""
    attempt: int = 1
    """At the execution."""


@dataclass(frozen=True)
class Report:
    """A batch's end, for the strand that waits for it."""

    path: str
    parent: str
    end: BatchEnd


_BATCH_END = TypeAdapter(BatchEnd)


def batch_end(written: JsonValue) -> BatchEnd:
    """A batch's end, as an activity tells it."""
    return _BATCH_END.validate_python(written)


def written(end: BatchEnd) -> JsonValue:
    """The same as JSON."""
    return _BATCH_END.dump_python(end, mode="json")


def report(of: BatchOf, end: BatchEnd) -> JsonValue:
    """A Report as JSON."""
    return {"path": of.batch.path, "parent": of.parent, "end": written(end)}
