"""Control words that choose a port: `if` and `switch`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from dag.fields import Expression, Template
from dag.names import CaseName
from dag.node import ERROR, NodeFields
from dag.part import Part, tag

DEFAULT = "default"
Literals = Template
"""A literal, or a list of literals."""


class IfConfig(Part):
    """What `if` asks."""

    condition: Expression
    """Decides between `true` and `false`; missing counts as false."""


class If(NodeFields, title="If"):
    """Goes one of two ways."""

    type: Literal["if"]
    config: IfConfig

    @property
    def ports(self) -> tuple[str, ...]:
        return ("true", "false", ERROR)


class SwitchValue(Part, title="By value"):
    """Compares one value with the literals of each case."""

    value: Expression
    """Computed once, then compared."""
    cases: Annotated[dict[CaseName, Literals], Field(min_length=1)]
    """For each port a literal or a list of literals. The first match wins."""


class SwitchConditions(Part, title="By conditions"):
    """Asks a condition for each case."""

    cases: Annotated[dict[CaseName, Expression], Field(min_length=1)]
    """For each port an expression. The first that is true wins; the rest is not evaluated."""


def _form(value: Any) -> str:
    if isinstance(value, SwitchValue) or (isinstance(value, dict) and "value" in value):
        return tag("value")
    return tag("conditions")


class Switch(NodeFields, title="Switch"):
    """Goes one of several ways; `default` when no case matches."""

    type: Literal["switch"]
    config: Annotated[
        Annotated[SwitchValue, Tag(tag("value"))] | Annotated[SwitchConditions, Tag(tag("conditions"))],
        Discriminator(_form),
    ]

    @property
    def ports(self) -> tuple[str, ...]:
        return (*self.config.cases, DEFAULT, ERROR)
