"""What the interpreter is told of a test: what nodes give in place of running, who decides what, how time passes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue, SkipValidation

from dag.plan import Plan, PlanNode, Sees, Template

TRIGGER = "test"
"""The trigger of the executions that are tests, and of those that these start."""
MOCKABLE = frozenset({"approval", "ask", "emit_event", "wait_event", "workflow"})
"""The control words that a mock can stand for; activities all are."""
USUAL_PORTS: Mapping[str, str] = {"approval": "approved", "ask": "answered", "wait_event": "received"}
"""Where a mock ends that says no port; all others end on `out`."""


@dataclass(frozen=True)
class Answer:
    """What a mock gives once: an output on a port, or an error."""

    output: Template | None = None
    error: Template | None = None
    """An object with `code`, `message`, `retryable`, `details`."""
    port: str = "out"
    sees: Sees = field(default_factory=Sees)
    """What the templates read, besides the node's `config` and the `attempt`."""


@dataclass(frozen=True)
class Mock:
    """What a node gives in place of running: one answer an attempt, over all its runs; the last one stays."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Decided:
    """A decision that comes to each run of a task."""

    path: str
    by: str
    after: float = 0.0
    """Seconds from when it is asked for."""
    groups: tuple[str, ...] = ()
    verdict: Literal["approve", "reject"] | None = None
    values: SkipValidation[JsonValue] = None
    comment: str | None = None


@dataclass(frozen=True)
class Sent:
    """An event that comes to the execution."""

    name: str
    key: SkipValidation[JsonValue] = None
    payload: SkipValidation[JsonValue] = None
    after: float = 0.0
    """Seconds from the start."""


@dataclass(frozen=True)
class Mode:
    """A test, as the interpreter carries it out. Nodes go by their paths, with all turns of loops or with none."""

    mocks: Mapping[str, Mock] = field(default_factory=dict[str, Mock])
    real: tuple[str, ...] = ()
    """The nodes that may have effects."""
    time: Literal["real", "skipped", "frozen"] = "real"
    begins_at: float | None = None
    """Where a frozen clock stands, in seconds since the epoch."""
    skipped: float = 0.0
    """Seconds that whoever started this has skipped before."""
    decisions: tuple[Decided, ...] = ()
    events: tuple[Sent, ...] = ()
    children: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What `workflow` nodes hand to the executions that they start, by their paths: as people write it."""


def for_test(plan: Plan, vars: Mapping[str, JsonValue]) -> Plan:
    """The plan of a test: no gate, nobody is told of a failure, and variables have the values given."""
    graph = plan.graph
    if vars and graph.vars is not None and isinstance(graph.vars.value, dict):
        value: JsonValue = {**graph.vars.value, **vars}
        places = tuple(place for place in graph.vars.places if place and place[0] not in vars)
        graph = replace(graph, vars=Template(value, places))
    return replace(plan, graph=graph, concurrency=None, on_failure=None)


def is_mockable(node: PlanNode) -> bool:
    """Whether a mock can stand for a node."""
    return node.call is not None or node.type in MOCKABLE


def by_place(mode: Mapping[str, Mock], paths: tuple[str, str]) -> str | None:
    """The key under which a mock is found, of the path of a run and that of the node."""
    return next((path for path in paths if path in mode), None)
