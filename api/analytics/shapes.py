"""What analytics look like from outside."""

from datetime import datetime

from pydantic import BaseModel, Field


class RangeOut(BaseModel):
    """What the numbers are of: whole quarters of an hour."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    tz: str


class AnalyticsOut(RangeOut):
    """What the numbers are of, and how much of it counts already."""

    counted_from: datetime | None
    """Null but while sums are counted anew: executions that started before this moment may not count yet."""


class CountsOut(BaseModel):
    """How many executions, or node runs, and how they ended."""

    started: int
    """Executions by when they started; of node runs 0."""
    open: int
    """Of those that started, how many have not ended yet."""
    closed: int
    """By when they ended, as all that follows."""
    by_status: dict[str, int]
    success_rate: float | None
    """Succeeded, of those that succeeded, failed or timed out; null: there are none."""
    retried: int
    """Executions that ended in a later attempt than their first."""


class DurationsOut(BaseModel):
    """Lengths of time in seconds. The mean is exact, the others are within 2.5 %, and 0 below a millisecond."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


class UsedWorkflowOut(CountsOut):
    """The executions of a workflow."""

    workflow: str


class UsedTriggerOut(CountsOut):
    """The executions that a trigger started."""

    trigger: str


class ExampleOut(BaseModel):
    """An execution that ended with an error."""

    execution: str
    workflow: str
    version: int
    started_at: datetime
    closed_at: datetime


class CodeOut(BaseModel):
    """Executions that ended with an error of one code."""

    code: str
    count: int
    examples: list[ExampleOut]
    """Those that started last, three at most."""


class FamilyOut(BaseModel):
    """Codes that begin with the same word."""

    family: str
    count: int
    codes: list[CodeOut]


class HitsOut(BaseModel):
    """What came of looking for stored outputs, by when the attempt ended."""

    hits: int
    """Attempts that used one, and ran nothing."""
    misses: int
    """Attempts of nodes with `cache` that found none."""
    hit_rate: float | None
    """Of both; null: there are none."""


class StatsOut(AnalyticsOut):
    """How many executions there were, and how they ended."""

    total: CountsOut
    cache: HitsOut
    workflows: list[UsedWorkflowOut]
    """Those that were started most."""
    triggers: list[UsedTriggerOut]
    errors: list[FamilyOut]
    """The most frequent first."""


class TimedWorkflowOut(BaseModel):
    """How long executions of a workflow took."""

    workflow: str
    closed: int
    success_rate: float | None
    durations: DurationsOut | None


class TimedVersionOut(TimedWorkflowOut):
    """How long executions of a version took."""

    version: int


class TimedNodeOut(BaseModel):
    """How long runs of a node took, over all turns of the loops around it."""

    workflow: str
    node: str
    type: str | None
    runs: int
    """That ended."""
    by_status: dict[str, int]
    cached: int
    """Answered with an output that was stored before; they are in no length of time."""
    durations: DurationsOut
    seconds: float
    """All of them together."""
    attempts: int
    retries: int
    busy_seconds: float | None
    """In which an attempt was at work; null: no attempts are known."""
    waiting_share: float | None
    """The rest of the time: in a queue, or until the next attempt."""
    cpu_seconds: float | None


class BottleneckOut(TimedNodeOut):
    """A node on which much time is spent."""

    share: float | None
    """Of the time of all executions that ended; nodes that run beside each other can come to more than 1."""


class PerformanceOut(AnalyticsOut):
    """How long executions and node runs took."""

    executions: DurationsOut | None
    workflows: list[TimedWorkflowOut]
    """Those that took most time in all, as in the lists that follow."""
    versions: list[TimedVersionOut]
    nodes: list[TimedNodeOut]
    bottlenecks: list[BottleneckOut]
    """Nodes that hold no others, and wait for nobody by what they are."""


class NumbersOut(RangeOut):
    """What happened in a span of time."""

    counts: CountsOut
    per_hour: float
    """Executions that ended."""
    durations: DurationsOut | None


class TrendsOut(AnalyticsOut):
    """What happened as time went by."""

    total: NumbersOut
    before: NumbersOut
    """The span of the same length that ended where this one begins."""
    points: list[NumbersOut]


class SpentOut(BaseModel):
    """What attempts used."""

    attempts: int
    busy_seconds: float
    cpu_seconds: float
    cost: dict[str, float]
    """By unit."""


class SpentWorkflowOut(SpentOut):
    """What attempts of a workflow's nodes used."""

    workflow: str


class SpentNodeOut(SpentWorkflowOut):
    """What attempts of a node used."""

    node: str


class SpentPointOut(SpentOut):
    """What attempts used in a span of time."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")


class CostOut(AnalyticsOut):
    """What attempts used."""

    total: SpentOut
    before: SpentOut
    """In the span of the same length that ended where this one begins."""
    workflows: list[SpentWorkflowOut]
    """Those with most of the unit by which they are sorted, or else with most time at work."""
    nodes: list[SpentNodeOut]
    points: list[SpentPointOut]
