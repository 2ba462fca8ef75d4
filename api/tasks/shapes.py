"""What tasks and decisions look like from outside."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from dag.task_messages import Status, Verdict

_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]"
USER = f"^user:{_PRINTABLE}{{1,200}}$"
GROUP = f"^(group|role):{_PRINTABLE}{{1,200}}$"


class DecisionIn(BaseModel):
    """What somebody says to a task."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verdict": "approve", "by": "user:ann", "comment": "Fine."}]}
    )

    verdict: Verdict | None = None
    """Of an approval; an `ask` takes none."""
    values: SkipValidation[JsonValue] = None
    """What is filled into the form."""
    comment: Annotated[str, Field(max_length=10_000)] | None = None
    by: Annotated[str, Field(pattern=USER)] | None = None
    """For whom the key speaks, as `user:…`; otherwise for itself, as `key:` and its name."""
    groups: Annotated[list[Annotated[str, Field(pattern=GROUP)]], Field(max_length=100)] = []
    """What else they answer for, as `group:…` and `role:…`."""


class VoteOut(BaseModel):
    """One vote that counts."""

    by: str
    verdict: Verdict | None
    at: str
    comment: str | None


class DecidedOut(BaseModel):
    """Where a task stands after a decision."""

    path: str
    status: Status
    verdict: Verdict | None
    by: str | None
    """Who decided it; null while it is open, or where its deadline did."""
    at: str | None
    comment: str | None
    votes: list[VoteOut]


class TaskOut(DecidedOut):
    """Something that is asked of people. Of one that has ended, its title is all that is told of what was asked."""

    id: str
    execution: str
    attempt: int
    type: Literal["approval", "ask"]
    title: str
    description: str | None
    form: JsonValue
    """A JSON Schema of what is filled in."""
    assignees: list[str]
    """Who may answer; empty: anybody."""
    required: int | None
    """How many different people have to approve."""
    allow_self: bool | None
    since: str | None
    due: str | None
