"""What tests of workflows look like from outside."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.executions.shapes import TAG, ExecutionStatus
from api.problems import Flaw
from dag.errors import ErrorValue
from dag.testing.case import CASE_NAME, MOST_ASSERTIONS, AssertionIn, CaseIn

_EXAMPLE: JsonValue = {
    "input": {"order": "A-17"},
    "mocks": {"pay": {"output": {"status": 200, "headers": {}, "body": {"paid": True}, "url": "https://pay.example"}}},
    "assertions": ["status = 'succeeded'", "nodes.pay.output.body.paid"],
}
Version = Annotated[int, Field(ge=1, lt=2**31)] | Annotated[str, Field(pattern=TAG)]


class RunIn(CaseIn):
    """A test to be run: one that is kept (`name`), or what stands here; what stands here wins."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: Annotated[str, Field(pattern=CASE_NAME)] | None = None
    version: Version | None = None
    """A number or a tag; `draft` or null: the draft, if it could be published."""


class DefinitionRunIn(CaseIn):
    """A test of a definition that nobody has to keep."""

    definition: dict[str, JsonValue]


class AssertionsIn(BaseModel):
    """What is asserted of an execution that has ended."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"assertions": ["output.total > 10"]}]})

    assertions: Annotated[list[AssertionIn], Field(min_length=1, max_length=MOST_ASSERTIONS)]


class SuiteRunIn(BaseModel):
    """Which of the tests that are kept with a workflow are run."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"names": ["large order"]}]})

    version: Version | None = None
    """Its plan and its tests; `draft` or null: those of the draft."""
    names: Annotated[list[Annotated[str, Field(pattern=CASE_NAME)]], Field(min_length=1, max_length=500)] | None = None
    """Null: all."""


class DifferenceOut(BaseModel):
    """One place where two values differ."""

    path: str
    """A JSON pointer."""
    actual: JsonValue
    expected: JsonValue
    missing: bool
    """Whether there is nothing where something is expected."""
    unexpected: bool
    """Whether there is something where nothing is expected."""


class AssertedOut(BaseModel):
    """What came of one assertion."""

    expression: str
    passed: bool
    actual: JsonValue
    """What the expression yields; of an equation, its left side."""
    expected: JsonValue
    diff: list[DifferenceOut]
    error: ErrorValue | None
    """Why it could not be asked."""


class VerdictOut(BaseModel):
    """Whether all that is asserted holds."""

    passed: bool
    assertions: list[AssertedOut]


class CoverageOut(BaseModel):
    """What was gone through, by the paths of nodes; edges as `fetch.out -> pay`."""

    nodes: dict[str, bool]
    edges: dict[str, bool]
    percent: float


class OutcomeOut(BaseModel):
    """How a test came out. As long as the execution goes on, `passed` is null and nothing has been asserted."""

    name: str | None
    passed: bool | None
    execution: str
    status: ExecutionStatus
    output: JsonValue
    error: ErrorValue | None
    assertions: list[AssertedOut]
    coverage: CoverageOut
    unmocked: list[str]
    """Nodes with effects that the test came to, and neither mocks nor names as real."""
    truncated: bool
    """Whether there are more node runs or events than the assertions have seen."""


class CaseResultOut(BaseModel):
    """How one of several tests came out."""

    name: str
    passed: bool | None
    execution: str | None
    """Null: it was not started."""
    outcome: OutcomeOut | None
    problems: list[Flaw]
    """Why it was not started."""


class SuiteOut(BaseModel):
    """How tests came out together."""

    passed: bool
    """Whether all have passed."""
    total: int
    failed: int
    unfinished: int
    """Those that go on; ask for them one by one."""
    cases: list[CaseResultOut]
    coverage: CoverageOut
    """Of all together."""


class KeptOut(BaseModel):
    """A test that is kept with a workflow."""

    name: str
    updated_at: datetime
    test: JsonValue
    """As it was written."""


class MadeOut(BaseModel):
    """A test that does again what an execution did."""

    test: JsonValue
    masked: list[str]
    """Places in it (JSON pointers) that the execution masks: put values of your own there."""
    missing: list[str]
    """Node runs whose outputs are too large to be kept, and are not mocked."""
