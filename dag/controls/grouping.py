"""Control words that hold graphs without repeating them: `parallel` and `try`."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from dag.fields import Count
from dag.names import BranchName, CaughtName, ErrorCode
from dag.node import WithOut
from dag.part import Omissible, OrTemplate, Part, shape, tag, wrong
from dag.scope import Graph


class Enough(Part, title="A number"):
    """How many are enough."""

    count: OrTemplate[Count]


Wait = Annotated[
    Annotated[Literal["all", "any"], Tag(tag("text"))] | Annotated[Enough, Tag(tag("other"))], Discriminator(shape)
]


class ParallelConfig(Part):
    """What `parallel` runs at once."""

    branches: Annotated[dict[BranchName, Graph], Field(min_length=1)]
    """Graphs by name, in the order of their results."""
    wait: OrTemplate[Wait] = "all"
    """How many branches have to succeed. The others are then cancelled."""
    result: OrTemplate[Literal["by_branch", "list", "merge", "first", "last"]] = "by_branch"
    """What the node makes of the outputs of its branches."""


class Parallel(WithOut, title="Parallel"):
    """Runs several graphs at once."""

    type: Literal["parallel"]
    config: ParallelConfig


class Catch(Part):
    """What to do about some errors."""

    codes: Omissible[Annotated[list[ErrorCode], Field(min_length=1)]] = None
    """Which errors; each code stands for itself and what follows it after a dot. Left out: every error."""
    as_: Annotated[CaughtName, Field(alias="as")] = "error"
    """The error's name in the body."""
    body: Graph
    """Runs in place of what failed."""


class TryConfig(Part, json_schema_extra={"anyOf": [{"required": ["catch"]}, {"required": ["finally"]}]}):
    """What `try` runs, and what it does about errors."""

    body: Graph
    """Runs first."""
    catch: list[Catch] = []
    """The first entry that matches an error of the body runs."""
    finally_: Annotated[Omissible[Graph], Field(alias="finally")] = None
    """Runs at the end, whatever happened."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.catch and self.finally_ is None:
            raise wrong("missing_field", "A `try` needs `catch` or `finally`, or both.")
        return self


class Try(WithOut, title="Try"):
    """Runs a graph and deals with its errors."""

    type: Literal["try"]
    config: TryConfig
