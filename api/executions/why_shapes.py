"""The shapes of answers to why a condition held or did not."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, JsonValue

from dag.errors import ErrorValue
from dag.why import Kind


class PartOut(BaseModel):
    """A part of an expression. Those within it follow it, one level deeper."""

    level: int
    expression: str
    at: int
    """Characters of the whole expression before it."""
    shown: Literal["value", "nothing", "masked", "large", "error"]
    """`nothing`: it found nothing. `large`: its value is too large to be shown. `error`: here the expression failed."""
    value: JsonValue
    """Of long texts and lists and of deep values the beginning."""


class ConditionOut(BaseModel):
    """An expression that was asked."""

    kind: Kind
    """`when` of any node; `condition` of an `if`, `break` or `continue`; `case` or `value` of a `switch`; `while` and
    `until` of loops; `match` of a `wait_event`, for the last event that came."""
    expression: str
    result: JsonValue
    """Whether it held; of a `value`, its value."""
    masked: bool
    """Whether it reads what is masked: such values are not shown."""
    case: str | None
    """Of a case, its port."""
    turn: int | None
    """Of a loop's condition, the turn that it was asked about."""
    error: ErrorValue | None
    """Why it failed."""
    parts: list[PartOut]
    """Those that were evaluated: what `and` and `or` left out is missing."""
    more: bool
    """Whether there are more parts than these."""


class WhyOut(BaseModel):
    """What was asked of a node, in order."""

    id: str
    path: str
    attempt: int
    """At the execution: the last one in which it was asked."""
    at: AwareDatetime
    """When the last of it was asked."""
    conditions: list[ConditionOut]
