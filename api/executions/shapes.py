"""What executions look like from outside."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from dag.errors import ErrorValue

ExecutionStatus = Literal["queued", "running", "waiting", "paused", "succeeded", "failed", "cancelled", "timed_out"]
NodeStatus = Literal["pending", "running", "waiting", "succeeded", "failed", "skipped", "cancelled"]
Compensation = Literal["none", "running", "done", "failed"]
Reason = Literal[
    "person", "event", "time", "execution", "limit", "dependency", "pause", "retry", "activity", "worker", "engine",
    "temporal", "other",
]  # fmt: skip

LABEL_NAME = "[A-Za-z0-9][A-Za-z0-9._/-]{0,62}"
LABEL_TEXT = r"[^\x00-\x1f\x7f]{1,255}"
TAG = r"^[a-z][a-z0-9._-]{0,62}$"
NODE = r"^(\*|[a-z][a-z0-9_.\[\]]{0,999}(\.\*)?)$"
PRINTABLE = r"^[\x20-\x7e]{1,255}$"


class BreakpointShape(BaseModel):
    """Where an execution is held."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"node": "each.price", "condition": "item.total > 100"}]}
    )

    node: Annotated[str, Field(pattern=NODE)] = "*"
    """Its path, in one turn (`each[2].price`) or in all (`each.price`); `*`: any node. A path goes on into the workflow
    that a node starts (`child.fetch`, `child.*`)."""
    condition: Annotated[str, Field(min_length=1, max_length=4_000)] | None = None
    """An expression over what the node sees; with `on_error` it sees `error` too."""
    on_error: bool = False
    """Hold when the node has failed, before anything follows from that; otherwise before it starts."""


class StartIn(BaseModel):
    """What an execution is started with."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"input": {"name": "Ada"}}]})

    input: SkipValidation[JsonValue] = None
    """Checked against the workflow's schema, whose defaults are filled in."""
    version: Annotated[int, Field(ge=1, lt=2**31)] | Annotated[str, Field(pattern=TAG)] | None = None
    """A number or a tag; null: the newest."""
    labels: Annotated[
        dict[Annotated[str, Field(pattern=f"^{LABEL_NAME}$")], Annotated[str, Field(pattern=f"^{LABEL_TEXT}$")]],
        Field(max_length=32),
    ] = {}
    """Words by which it is found."""
    priority: Annotated[int, Field(ge=1, le=5)] | None = None
    """1 first to 5 last; null: as the workflow says."""
    debug: bool | Annotated[list[BreakpointShape], Field(max_length=100)] = False
    """Whether it is debugged from its first node on: held there, or at the first of these breakpoints."""


class ReasonIn(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "The bank is closed."}]})

    reason: Annotated[str, Field(max_length=2_000)] | None = None


NODE_ID = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,62}$")]


class RollbackIn(ReasonIn):
    """How an execution is asked to go back to a node."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "charge"}]})

    to: NODE_ID
    """A node of the workflow's own graph. What it and all after it did is undone, then they run again."""


class Rerun(BaseModel):
    """What a rerun begins with. What is left out is as it was."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"from": ["charge"]}]})

    begin: Annotated[list[NODE_ID], Field(alias="from", min_length=1, max_length=500)]
    """Nodes of the workflow's own graph. They and all after them run, the others are reused."""
    version: Annotated[int, Field(ge=1, lt=2**31)] | Annotated[str, Field(pattern=TAG)] | None = None
    """Of the same workflow: a number or a tag."""
    input: SkipValidation[JsonValue] = None
    outputs: Annotated[dict[NODE_ID, SkipValidation[JsonValue]], Field(max_length=500)] = {}
    """Outputs of reused nodes as they are to be instead."""
    vars: Annotated[dict[str, SkipValidation[JsonValue]], Field(max_length=500)] = {}
    """Variables as they are to be instead, whatever reused nodes set them to."""


class RerunIn(Rerun, ReasonIn):
    """The same, and why."""


class ListedOut(BaseModel):
    """An execution in a list."""

    id: str
    workflow: str
    workflow_id: str | None
    version: int
    status: ExecutionStatus
    compensation: Compensation
    attempt: int
    trigger: str
    labels: dict[str, str]
    error_code: str | None
    started_at: datetime
    closed_at: datetime | None
    parent_execution: str | None
    """The execution that started it: by a `workflow` node, or by `settings.on_failure`."""
    parent_path: str | None
    """Of the node there that did; of `on_failure` it is `settings.on_failure`."""
    rerun_of: str | None
    """Of a rerun, the execution in whose middle it begins."""


class ExecutionOut(ListedOut):
    """An execution."""

    input: JsonValue
    """With its defaults filled in; null until the start has been stored."""
    output: JsonValue
    output_bytes: int | None
    """Of an output that is not shown, since it is too large for the journal and Temporal cannot give it (any more)."""
    error: ErrorValue | None
    seq: int
    """Of its newest event."""


class ProgressOut(BaseModel):
    """How far a lasting attempt has come."""

    fraction: float | None
    """Between 0 and 1; null: nobody knows."""
    message: str
    attempt: int


class NodeRunOut(BaseModel):
    """One time a node ran."""

    path: str
    attempt: int
    type: str | None
    status: NodeStatus
    port: str | None
    output: JsonValue
    """Without what is masked."""
    output_bytes: int | None
    """Of an output that is too large to be shown."""
    error: ErrorValue | None
    error_code: str | None
    cached: bool
    """Whether its output is one that was stored before (`cache`), and nothing ran."""
    mocked: bool
    """Whether a test answered for it, and nothing ran."""
    reused: bool
    """Whether nothing ran, since it had succeeded in an earlier attempt, or in the execution that this is a rerun
    of."""
    started_at: datetime | None
    ended_at: datetime | None
    seq: int
    """Of its first event."""
    attempts_ended: int
    """How many attempts at it have ended."""
    cpu_seconds: float
    """What its attempts computed, all together."""
    cost: dict[str, float]
    """What its attempts used up, by unit."""
    progress: ProgressOut | None
    """What its attempt told last of how far it has come."""
    progress_at: datetime | None


class UsageOut(BaseModel):
    """What all attempts at the nodes of an execution came to; those of sub-workflows are counted there."""

    attempts: int
    """How many have ended."""
    cpu_seconds: float
    cost: dict[str, float]
    """What they used up, by unit."""


class AttemptOut(BaseModel):
    """One try of a node run, as it ended."""

    attempt: int
    status: Literal["succeeded", "failed", "cancelled"]
    started_at: datetime
    ended_at: datetime
    error: ErrorValue | None
    worker: str | None
    """The process that it ran in."""
    cpu_seconds: float
    """What it computed itself, in the worker and in the sandbox for code."""
    cost: dict[str, float]
    """What it used up, by unit."""
    cached: bool
    """Whether its output is one that was stored before, and nothing ran."""
    log_dropped: int
    """Lines that it logged beyond its share."""


class NodeRunDetailOut(NodeRunOut):
    """One time a node ran, with its attempts."""

    attempts: list[AttemptOut]
    """The newest 100 that have ended, in their order; a control word has none, and a crash loses some."""


class EventOut(BaseModel):
    """Something that happened."""

    seq: int
    at: datetime
    type: str
    path: str
    """Of its node run; empty: of the execution itself."""
    attempt: int
    data: JsonValue


class WaitOut(BaseModel):
    """Something that an execution waits for."""

    path: str
    """Of the node run that waits; empty: of the execution as a whole."""
    type: str | None
    reason: Reason
    """`person`, `event`, `time`, `execution` (a sub-workflow), `limit` (`settings.concurrency`), `dependency`,
    `pause`, `retry` (an attempt whose time has not come), `activity` (an attempt that runs), `worker` (none takes it),
    `engine` (the interpreter's own task fails), `temporal` (it does not answer)."""
    text: str
    """The same in words."""
    since: datetime | None
    until: str | None
    """When it goes on by itself."""
    attempt: int | None
    error_code: str | None
    """Of the attempt before."""
    queue: str | None
    task: str | None
    """The task that a person is asked."""
    execution: str | None
    """The execution that is waited for."""
    events: list[JsonValue] | None
    """The events that are waited for, by name and key."""
