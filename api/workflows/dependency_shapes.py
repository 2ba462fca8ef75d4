"""What dependencies between workflows look like from outside."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dag.fields import Span

REFERENCE = r"^[a-z][a-z0-9_-]{0,62}$"


class DependencyIn(BaseModel):
    """What a workflow depends on."""

    model_config = ConfigDict(extra="forbid")

    depends_on: Annotated[str, Field(pattern=REFERENCE)]
    """The id or the name of the workflow that has to have succeeded."""
    within: Span
    """For how long a success counts."""
    on_unmet: Literal["refuse", "wait"] = "refuse"
    """What becomes of a start before that: refused, or queued until it has."""
    wait_at_most: Span | None = None
    """With `wait`: then it fails with `dependency.unmet`. Null: it waits as long as it takes."""


class DependencyOut(BaseModel):
    """What a workflow depends on."""

    depends_on: str
    """The name of a workflow."""
    within: float
    """Seconds."""
    on_unmet: Literal["refuse", "wait"]
    wait_at_most: float | None
    """Seconds."""
    created_at: datetime
    met: bool
    """Whether it has succeeded lately."""


class DependencyReviewOut(BaseModel):
    """Whether a workflow can depend on another one."""

    valid: bool
    code: str | None
    """What is wrong."""
    message: str | None
