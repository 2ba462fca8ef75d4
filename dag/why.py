"""What is asked, and answered, of why a condition held or did not. An activity of Perdure's own replays the history
up to it: only then is there what the condition saw."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue, SkipValidation

from dag.errors import PerdureError

WHY = "perdure.why"
"""The workflow, the activity in it, and the second part of the workflow's id."""


class ConditionMissing(PerdureError):
    """The node asks no condition: it has no `when`, `condition`, `cases`, `until` or `match`."""

    code = "condition.missing"


class ConditionNotAsked(PerdureError):
    """The condition has not been asked: the node has not had its turn, or was reused from before."""

    code = "condition.not_asked"


class ReplayTooLong(PerdureError):
    """The execution is too long to be replayed while somebody waits for it."""

    code = "condition.too_long"


@dataclass(frozen=True)
class Asking:
    """Which condition, of which execution."""

    execution: str
    path: str
    turn: int | None = None
    """Of a loop's condition, the turn that it was asked about; None: the last."""


@dataclass(frozen=True)
class Part:
    """A part of an expression."""

    level: int
    """How deep within others it stands; those within it follow it."""
    expression: str
    at: int
    """Characters of the whole expression before it."""
    shown: Literal["value", "nothing", "masked", "large", "error"]
    """Whether there is a value, and whether it can be shown."""
    value: SkipValidation[JsonValue] = None
    """Of long texts and lists and of deep values the beginning."""


Kind = Literal["when", "condition", "case", "value", "while", "until", "match"]


@dataclass(frozen=True)
class Condition:
    """An expression that was asked, and what it came to."""

    kind: Kind
    expression: str
    result: SkipValidation[JsonValue] = None
    """Whether it held; of a `value`, its value."""
    masked: bool = False
    """Whether it reads what is masked, so that its values are not shown."""
    case: str | None = None
    """The port of a case."""
    turn: int | None = None
    """Of a loop's condition, the turn that it was asked about."""
    error: SkipValidation[JsonValue] = None
    parts: list[Part] = field(default_factory=list[Part])
    more: bool = False
    """Whether there are more parts than these."""


@dataclass(frozen=True)
class Because:
    """What was asked of a node, in order."""

    attempt: int
    at: str
    """When the last of it was asked."""
    conditions: list[Condition]


@dataclass(frozen=True)
class Answer:
    """Or why there is none."""

    because: Because | None = None
    refused: str | None = None
    """The code of one of REFUSALS, or of what else the one who asked knows."""
