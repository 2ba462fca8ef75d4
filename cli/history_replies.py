"""The answers of the API about what executions did, as far as the commands read them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue

from cli.replies import Error


class LogLine(BaseModel):
    """What an activity or a code step wrote."""

    model_config = ConfigDict(extra="allow")  # what is passed on is passed on whole

    at: datetime
    path: str
    level: str
    message: str


class LogPage(BaseModel):
    """Some lines."""

    items: list[LogLine]
    next: str | None = None


class Bar(BaseModel):
    """A line of a timeline: a node run, or a turn of a loop."""

    kind: str
    path: str
    type: str | None = None
    status: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: list[JsonValue] = []
    statuses: dict[str, int] | None = None


class Timeline(BaseModel):
    """Some lines of it."""

    items: list[Bar]
    next: str | None = None


class Compared(BaseModel):
    """One of two executions beside each other."""

    id: str
    workflow: str
    version: int
    status: str
    error_code: str | None = None
    seconds: float | None = None


class Difference(BaseModel):
    """A place where two values differ."""

    path: str
    kind: str
    before: JsonValue = None
    after: JsonValue = None
    cut: bool


class Side(BaseModel):
    """A node run in one of the two."""

    status: str
    port: str | None = None
    error_code: str | None = None


class Pair(BaseModel):
    """The node runs of one path."""

    path: str
    one: Side | None = None
    other: Side | None = None
    output: str | None = None


class Comparison(BaseModel):
    """Two executions beside each other."""

    one: Compared
    other: Compared
    differs: list[str]
    input: list[Difference]
    output: list[Difference]
    items: list[Pair]
    next: str | None = None


class Part(BaseModel):
    """A part of an expression."""

    level: int
    expression: str
    shown: str
    value: JsonValue = None


class Condition(BaseModel):
    """An expression that was asked."""

    kind: str
    expression: str
    result: JsonValue = None
    case: str | None = None
    turn: int | None = None
    error: Error | None = None
    parts: list[Part]
    more: bool


class Because(BaseModel):
    """What was asked of a node."""

    attempt: int
    at: datetime
    conditions: list[Condition]
