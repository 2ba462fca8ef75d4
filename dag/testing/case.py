"""A test of a workflow as people write it, in the API and in files."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation, model_validator

from dag.event_names import NAME
from dag.names import WORKFLOW_NAME

Path = Annotated[str, Field(min_length=1, max_length=1_000)]
Length = Annotated[str, Field(max_length=100)]
"""A duration, as `30s` or `2d`."""
_WHO = r"^user:[^\x00-\x1f\x7f-\x9f]{1,200}$"
_GROUP = r"^(group|role):[^\x00-\x1f\x7f-\x9f]{1,200}$"
CASE_NAME = r"^[^\s/\x00-\x1f\x7f]([^/\x00-\x1f\x7f]{0,98}[^\s/\x00-\x1f\x7f])?$"
"""Names of stored cases, which stand in addresses."""
MOST_ASSERTIONS = 200


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ErrorIn(_Strict):
    """The error of a mock."""

    code: Annotated[str, Field(min_length=1, max_length=200)]
    message: Annotated[str, Field(max_length=4_000)] = "The mock says so."
    retryable: bool = False
    details: SkipValidation[JsonValue] = None


class AnswerIn(_Strict):
    """What a mock gives once: an output, or an error."""

    output: SkipValidation[JsonValue] = None
    """Strings in it may hold templates, which see the node's `config` and the `attempt` too."""
    error: ErrorIn | None = None
    port: Annotated[str, Field(max_length=64)] | None = None
    """Of a task, or a wait for events: where it ends; usually `approved`, `answered` or `received`."""

    @model_validator(mode="after")
    def _one(self) -> "AnswerIn":
        if self.error is not None and ({"output", "port"} & self.model_fields_set):
            raise ValueError("A mock gives an output or an error, not both.")
        return self


class MockIn(AnswerIn):
    """What a node gives in place of running: always the same, or a sequence."""

    sequence: Annotated[list[AnswerIn], Field(min_length=1, max_length=1_000)] | None = None
    """One answer for each attempt, over all runs of the node; the last one stays."""

    @model_validator(mode="after")
    def _or_sequence(self) -> "MockIn":
        if self.sequence is not None and len(self.model_fields_set) > 1:
            raise ValueError("A sequence stands by itself.")
        if not self.model_fields_set:
            raise ValueError("A mock has an `output`, an `error` or a `sequence`.")
        return self


class FrozenIn(_Strict):
    """A clock that stands, and jumps over what is waited for."""

    frozen: Annotated[str, Field(max_length=100)]
    """The time to begin at, in ISO 8601."""


class DecisionIn(_Strict):
    """A decision that comes to each run of a task."""

    path: Path
    verdict: Literal["approve", "reject"] | None = None
    values: SkipValidation[JsonValue] = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None
    by: Annotated[str, Field(pattern=_WHO)] = "user:test"
    groups: Annotated[list[Annotated[str, Field(pattern=_GROUP)]], Field(max_length=100)] = []
    after: Length | None = None
    """How long after it was asked for."""


class EventIn(_Strict):
    """An event that comes to the execution, and to no other."""

    name: Annotated[str, Field(pattern=NAME)]
    key: SkipValidation[JsonValue] = None
    payload: SkipValidation[JsonValue] = None
    after: Length | None = None
    """How long after the start."""


class EqualIn(_Strict):
    """Two values that should be equal."""

    path: Annotated[str, Field(min_length=1, max_length=10_000)]
    """An expression, usually only a path as `output.total`."""
    value: SkipValidation[JsonValue] = None


class EqualsIn(_Strict):
    """An assertion that shows how two values differ."""

    equals: EqualIn


AssertionIn = Annotated[str, Field(min_length=1, max_length=10_000)] | EqualsIn


class DoublesIn(_Strict):
    """What stands in for the world in one execution."""

    mocks: Annotated[dict[Path, MockIn], Field(max_length=1_000)] = {}
    """By the paths of nodes: `fetch`, `each.price` for every turn, `each[2].price` for one, `child.fetch` for a node of
    the workflow that `child` starts, `pay.compensate` for what undoes `pay`."""
    real: Annotated[list[Path], Field(max_length=1_000)] = []
    """The nodes that may have effects."""
    decisions: Annotated[list[DecisionIn], Field(max_length=1_000)] = []
    events: Annotated[list[EventIn], Field(max_length=1_000)] = []


class CaseIn(DoublesIn):
    """A test of a workflow."""

    description: Annotated[str, Field(max_length=2_000)] | None = None
    input: SkipValidation[JsonValue] = {}
    time: Literal["real", "skipped"] | FrozenIn = "skipped"
    """`skipped`: where nothing runs, the clock jumps to what is waited for. Frozen: it also stands in between."""
    vars: Annotated[dict[str, SkipValidation[JsonValue]], Field(max_length=1_000)] = {}
    """First values of the workflow's variables, in place of those that it computes."""
    env: Annotated[dict[str, SkipValidation[JsonValue]], Field(max_length=1_000)] = {}
    """Settings, in place of the tenant's own."""
    assertions: Annotated[list[AssertionIn], Field(max_length=MOST_ASSERTIONS)] = []
    """Expressions over the finished execution: `status`, `input`, `output`, `error`, `nodes`, `events`, `vars`,
    `duration`."""


WorkflowName = Annotated[str, Field(pattern=WORKFLOW_NAME)]
