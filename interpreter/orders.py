"""What an execution asks of the Temporal side, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.expressions import Moment
from dag.invocation import Invocation
from dag.plan import PlanNode
from interpreter.compute import Job


@dataclass(frozen=True, slots=True)
class Invoke:
    """Run an activity."""

    number: int
    node: PlanNode
    config: JsonValue
    invocation: Invocation
    local: bool


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Compute a job with the large budget, outside the workflow task."""

    number: int
    job: Job
    scope: Mapping[str, JsonValue]
    moment: Moment


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask what runs for a node to stop."""

    number: int


Order = Invoke | Evaluate | Cancel


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended."""

    status: Literal["succeeded", "failed", "cancelled", "timed_out"]
    output: JsonValue = None
    error: ErrorValue | None = None
