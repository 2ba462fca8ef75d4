"""Control words that reach beyond their graph: `emit_event`, `workflow`, `stop`, `fail`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from dag.fields import Count, Expression, NotEmpty, Template
from dag.names import UserErrorCode, WorkflowName
from dag.node import ERROR, OUT, Compensate, NodeFields, WithOut
from dag.part import Omissible, OrTemplate, Part, shape, tag


class EmitEventConfig(Part):
    """The event that `emit_event` sends."""

    name: OrTemplate[NotEmpty]
    """The event's name."""
    key: Omissible[Expression] = None
    """By which waiters are found."""
    payload: Template = None
    """What the event carries."""


class EmitEvent(WithOut, title="Emit an event"):
    """Sends an event to every waiting execution of the tenant."""

    type: Literal["emit_event"]
    config: EmitEventConfig


Version = Annotated[Annotated[NotEmpty, Tag(tag("text"))] | Annotated[Count, Tag(tag("other"))], Discriminator(shape)]


class WorkflowConfig(Part):
    """The workflow that `workflow` starts."""

    name: WorkflowName
    """Which workflow."""
    version: Omissible[Version] = None
    """A number, a tag, or `latest`. Left out: the newest when the parent is published."""
    input: Template = None
    """Its input."""
    wait: OrTemplate[bool] = True
    """Whether to wait for its end; else the output is `{execution}` at once."""


class Workflow(WithOut, title="Workflow"):
    """Runs another workflow."""

    type: Literal["workflow"]
    config: WorkflowConfig
    compensate: Omissible[Compensate] = None
    """What undoes it, should the execution fail later."""


class StopConfig(Part):
    """What `stop` ends with."""

    output: Template = None
    """The execution's output."""


class Stop(NodeFields, title="Stop"):
    """Ends the execution as succeeded."""

    type: Literal["stop"]
    config: StopConfig = StopConfig()

    @property
    def ports(self) -> tuple[str, ...]:
        return ()


class FailConfig(Part):
    """The error that `fail` raises."""

    code: OrTemplate[UserErrorCode]
    """A code of your own: `user.…`."""
    message: Omissible[OrTemplate[str]] = None
    """What is wrong, for people."""
    details: Template = None
    """More, for programs."""


class Fail(WithOut, title="Fail"):
    """Fails."""

    type: Literal["fail"]
    config: FailConfig

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, ERROR) if self.continues_on_error else (ERROR,)
