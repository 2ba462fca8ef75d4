"""Control words that run a graph several times, and those that end a turn: loops, `break`, `continue`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from dag.fields import Count, Expression, Iterations
from dag.names import ItemName
from dag.node import OUT, WithOut
from dag.part import Omissible, OrTemplate, Part, tag, wrong
from dag.scope import Graph


class TolerateCount(Part, title="A number of items"):
    """Goes on after as many failed items."""

    count: OrTemplate[Annotated[int, Field(ge=0)]]


class ToleratePercent(Part, title="A share of the items"):
    """Goes on after failures up to a share of the items."""

    percent: OrTemplate[Annotated[int | float, Field(ge=0, le=100)]]


def _form(value: Any) -> str:
    if isinstance(value, ToleratePercent) or (isinstance(value, dict) and "percent" in value):
        return tag("percent")
    return tag("count")


Tolerate = Annotated[
    Annotated[TolerateCount, Tag(tag("count"))] | Annotated[ToleratePercent, Tag(tag("percent"))], Discriminator(_form)
]


class ForEachConfig(Part):
    """What `for_each` turns over."""

    items: Expression
    """One turn for each. Missing or null: none; a single value: one."""
    as_: Annotated[ItemName, Field(alias="as")] = "item"
    """The item's name in the body."""
    concurrency: OrTemplate[Count] = 10
    """How many turns run at once; 1 runs them in order."""
    on_item_error: OrTemplate[Literal["fail", "continue"]] = "fail"
    """What a failed turn does to the loop."""
    tolerate: Omissible[Tolerate] = None
    """How many failed turns the loop goes on after."""
    until: Omissible[Expression] = None
    """Asked after every turn; true starts no new one."""
    result: OrTemplate[Literal["list", "full", "merge", "first", "last", "none"]] = "list"
    """What the loop makes of the outputs of its turns."""
    body: Graph
    """Runs once for each item."""


class ForEach(WithOut, title="For each"):
    """Runs its body once for each item."""

    type: Literal["for_each"]
    config: ForEachConfig


class WhileConfig(Part):
    """How long `while` goes on."""

    condition: Expression
    """Asked before each turn."""
    max_iterations: OrTemplate[Iterations] = 1000
    """One turn more fails with `limit.iterations`."""
    body: Graph
    """Runs as long as the condition is true."""


class While(WithOut, title="While"):
    """Runs its body as long as a condition is true."""

    type: Literal["while"]
    config: WhileConfig


class RepeatConfig(Part, json_schema_extra={"oneOf": [{"required": ["times"]}, {"required": ["until"]}]}):
    """How often `repeat` goes on: a number of times, or until a condition is true."""

    times: Omissible[OrTemplate[Annotated[int, Field(ge=0)]]] = None
    """How many turns there are."""
    until: Omissible[Expression] = None
    """Asked after each turn; true ends the loop."""
    max_iterations: OrTemplate[Iterations] = 1000
    """With `until`: one turn more fails with `limit.iterations`."""
    body: Graph
    """Runs each turn."""

    @model_validator(mode="after")
    def _times_or_until(self) -> Self:
        if (self.times is None) == (self.until is None):
            raise wrong("invalid_value", "A `repeat` has either `times` or `until`.")
        if self.times is not None and "max_iterations" in self.model_fields_set:
            raise wrong("field_not_allowed", "`max_iterations` goes with `until` only.", field="max_iterations")
        return self


class Repeat(WithOut, title="Repeat"):
    """Runs its body a number of times, or until a condition is true."""

    type: Literal["repeat"]
    config: RepeatConfig


class LeaveConfig(Part):
    """Whether to leave."""

    when: Omissible[Expression] = None
    """False goes on by `out`."""


class Break(WithOut, title="Break"):
    """Ends the nearest loop."""

    type: Literal["break"]
    config: LeaveConfig = LeaveConfig()

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT,)


class Continue(WithOut, title="Continue"):
    """Ends this turn of the nearest loop."""

    type: Literal["continue"]
    config: LeaveConfig = LeaveConfig()

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT,)
