"""What is said to executions that run, and what they answer, from outside."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from api.events.shapes import EventIn
from api.executions.shapes import LABEL_NAME, LABEL_TEXT, BreakpointShape, ExecutionStatus, ReasonIn, Rerun

ID = "^ex_[0-9a-f]{32}$"
PATH = r"^([a-z][a-z0-9_.\[\]]{0,999})?$"


class SkipIn(ReasonIn):
    """Which node is skipped."""

    path: Annotated[str, Field(pattern=PATH, min_length=1)]
    """Of the node run, as `each[2].price`."""


class VariablesIn(ReasonIn):
    """Which variables have which values from now on."""

    values: SkipValidation[dict[str, JsonValue]]
    path: Annotated[str, Field(pattern=PATH)] = ""
    """Of the graph that declares them, as `each[2]`; empty: the document's own."""


class StepIn(ReasonIn):
    """How far a step goes."""

    mode: Literal["over", "into"] = "over"
    """Whether the next node is one of the same graph, or any."""


class BreakpointIn(BreakpointShape, ReasonIn):
    """A breakpoint to be set."""


class SignalIn(EventIn, ReasonIn):
    """An event for one execution."""


class HeldOut(BaseModel):
    """Where the debugger holds an execution."""

    path: str
    why: Literal["breakpoint", "error", "step", "start"]
    breakpoint: str | None
    error: JsonValue
    execution: str | None
    """In which the node is, if it is another one, that a node waits for."""


class SteeredOut(BaseModel):
    """How an execution stands."""

    id: str
    paused: bool
    debugging: bool
    held: HeldOut | None
    breakpoints: list[BreakpointShape]


class NodeInsideOut(BaseModel):
    """A node of a graph that runs."""

    path: str
    type: str
    status: str
    port: str | None
    output: JsonValue
    output_bytes: int | None
    error: JsonValue


class GraphInsideOut(BaseModel):
    """A graph that runs."""

    path: str
    nodes: list[NodeInsideOut]


class InsideOut(SteeredOut):
    """Where an execution stands, graph by graph."""

    next: list[str]
    """What starts next, in order."""
    graphs: list[GraphInsideOut]
    more: bool


class ValueOut(BaseModel):
    """A variable, or a name that a graph binds."""

    name: str
    kind: Literal["variable", "name"]
    value: JsonValue
    bytes: int | None
    """Of a value that is too large to be shown."""


class ScopeOut(BaseModel):
    """What one graph declares and binds."""

    path: str
    values: list[ValueOut]


class ScopesOut(BaseModel):
    """What is seen at one place, the innermost first."""

    scopes: list[ScopeOut]


class FilterIn(BaseModel):
    """Which executions; all that is said must hold. Those that have ended are among them only for
    `retry`, `rerun` and `rollback`."""

    model_config = ConfigDict(extra="forbid")

    workflow: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,62}$")] | None = None
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    status: Annotated[list[ExecutionStatus], Field(max_length=8)] = []
    """Any of them."""
    trigger: Annotated[str, Field(pattern="^[a-z_.]{1,63}$")] | None = None
    labels: Annotated[
        dict[Annotated[str, Field(pattern=f"^{LABEL_NAME}$")], Annotated[str, Field(pattern=f"^{LABEL_TEXT}$")]],
        Field(max_length=10),
    ] = {}
    started_after: AwareDatetime | None = None
    started_before: AwareDatetime | None = None
    parent: Annotated[str, Field(pattern=ID)] | None = None


class BulkIn(ReasonIn):
    """Which executions something is done to: those with these ids, or the next that a filter finds."""

    ids: Annotated[list[Annotated[str, Field(pattern=ID)]], Field(min_length=1, max_length=500)] | None = None
    filter: FilterIn | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 500
    """How many that a filter finds."""
    cursor: Annotated[str, Field(max_length=2000)] | None = None
    """With a filter, the `next` of the answer before."""
    path: Annotated[str, Field(pattern=PATH)] = ""
    """To `skip`, of the node run; for `variables`, of the graph; for `rollback`, the node to go back to."""
    values: SkipValidation[dict[str, JsonValue]] = {}
    """For `variables`."""
    event: EventIn | None = None
    """For `signal`."""
    rerun: Rerun | None = None
    """For `rerun`."""


class BulkResult(BaseModel):
    """What came of it for one execution."""

    id: str
    ok: bool
    code: str | None = None
    """Of the problem."""
    message: str | None = None
    details: JsonValue = None
    """More to know, by code."""
    made: str | None = None
    """The execution that `rerun` has started, or the event that `signal` has sent."""


class BulkOut(BaseModel):
    """What came of it, by execution."""

    items: list[BulkResult]
    next: str | None
    """Give it as `cursor`, with the same filter, for those that follow; null: nothing does."""
