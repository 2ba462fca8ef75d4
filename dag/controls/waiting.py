"""Control words that wait for time, people or events: `delay`, `approval`, `ask`, `wait_event`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dag.controls.grouping import Wait
from dag.fields import Count, Duration, Expression, Moment, NotEmpty, Span, TemplateObject
from dag.names import Assignee
from dag.node import ERROR, NodeFields, WithOut
from dag.part import Omissible, OrTemplate, Part, wrong

TIMEOUT = "timeout"


class DelayConfig(Part, json_schema_extra={"oneOf": [{"required": ["for"]}, {"required": ["until"]}]}):
    """How long `delay` waits: for a duration, or until a time."""

    for_: Annotated[Omissible[OrTemplate[Duration]], Field(alias="for")] = None
    """How long."""
    until: Omissible[OrTemplate[Moment]] = None
    """An ISO 8601 time; the past goes on at once."""

    @model_validator(mode="after")
    def _for_or_until(self) -> Self:
        if (self.for_ is None) == (self.until is None):
            raise wrong("invalid_value", "A `delay` has either `for` or `until`.")
        return self


class Delay(WithOut, title="Delay"):
    """Waits."""

    type: Literal["delay"]
    config: DelayConfig


class Escalation(Part):
    """Who else is asked when time passes."""

    after: OrTemplate[Span]
    """Time since the task was made."""
    to: OrTemplate[Annotated[list[OrTemplate[Assignee]], Field(min_length=1)]]
    """They are added to the assignees."""


class TaskConfig(Part):
    """A task for people."""

    title: OrTemplate[NotEmpty]
    """What is asked, in a few words."""
    description: Omissible[OrTemplate[str]] = None
    """What is asked, at length."""
    assignees: OrTemplate[list[OrTemplate[Assignee]]] = []
    """Who may answer: `user:…`, `group:…`, `role:…`."""
    allow_self: OrTemplate[bool] = False
    """Whether the person who started the execution may answer."""
    due: Omissible[OrTemplate[Span]] = None
    """The deadline, counted from when the task was made."""
    reminders: OrTemplate[list[OrTemplate[Span]]] = []
    """When to remind, counted from when the task was made."""
    escalate: list[Escalation] = []
    """Who else is asked when time passes."""


class ApprovalConfig(TaskConfig):
    """What `approval` asks."""

    form: Omissible[TemplateObject] = None
    """A JSON Schema of what is filled in with the verdict."""
    required: OrTemplate[Count] = 1
    """How many different people have to approve. One rejection rejects."""
    on_timeout: OrTemplate[Literal["port", "fail", "approve", "reject"]] = "port"
    """What the deadline does. `port`: leave by `timeout` if that is wired, else fail with `approval.timeout`."""


class Approval(NodeFields, title="Approval"):
    """Asks people for a verdict."""

    type: Literal["approval"]
    config: ApprovalConfig

    @property
    def ports(self) -> tuple[str, ...]:
        return ("approved", "rejected", TIMEOUT, ERROR)


class AskConfig(TaskConfig):
    """What `ask` wants to know."""

    form: TemplateObject
    """A JSON Schema of what is filled in."""
    on_timeout: OrTemplate[Literal["port", "fail"]] = "port"
    """What the deadline does. `port`: leave by `timeout` if that is wired, else fail with `approval.timeout`."""


class Ask(NodeFields, title="Ask"):
    """Asks people to fill in a form."""

    type: Literal["ask"]
    config: AskConfig

    @property
    def ports(self) -> tuple[str, ...]:
        return ("answered", TIMEOUT, ERROR)


class Awaited(Part):
    """An event to wait for."""

    name: OrTemplate[NotEmpty]
    """The event's name."""
    key: Omissible[Expression] = None
    """Evaluated as the wait starts; equals the event's key."""
    match: Omissible[Expression] = None
    """Filters further; sees `event`."""


class WaitEventConfig(Part):
    """Which events `wait_event` waits for."""

    events: Annotated[list[Awaited], Field(min_length=1)]
    """What to wait for."""
    mode: OrTemplate[Wait] = "any"
    """How many of them have to come."""
    timeout: Omissible[OrTemplate[Span]] = None
    """How long to wait; then it leaves by `timeout`."""
    lookback: Omissible[OrTemplate[Duration]] = None
    """How far back events count. Left out: since the execution began; `0s`: only what comes while waiting."""


class WaitEvent(NodeFields, title="Wait for an event"):
    """Waits for events."""

    type: Literal["wait_event"]
    config: WaitEventConfig

    @property
    def ports(self) -> tuple[str, ...]:
        return ("received", TIMEOUT, ERROR)
