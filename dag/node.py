"""What nodes have in common, and the nodes that are no control words: activities, and those that could not be read."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from dag.fields import Count, Expression, NotEmpty, Span, TemplateObject
from dag.names import ActivityTypeName, EdgeText, ErrorCode, MaskPointer
from dag.part import Omissible, Part, shape, tag, wrong

ERROR = "error"
"""The port of failures, which nearly every type has."""
OUT = "out"


@dataclass(frozen=True, slots=True)
class Need:
    """An incoming edge as written: the node it comes from, the port, and the text that says so."""

    id: str
    port: str
    text: str


class Join(Part):
    """Run as soon as some of the incoming edges are live."""

    count: Count = 1
    """How many live edges it takes."""
    rest: Literal["cancel", "ignore"] = "cancel"
    """What becomes of the branches that were not needed."""


class Retry(Part):
    """When a failed attempt is tried again, and how soon. What is left out the activity type decides."""

    max_attempts: Omissible[Annotated[int, Field(ge=1, le=1_000_000)]] = None
    """Attempts in all; 1 means none but the first."""
    initial: Omissible[Span] = None
    """The wait before the second attempt."""
    factor: Omissible[Annotated[int | float, Field(ge=1, le=1_000)]] = None
    """By how much each wait is longer than the one before."""
    max: Omissible[Span] = None
    """The longest wait."""
    when: Omissible[Expression] = None
    """Asked over `error`: false means that this error is not worth another attempt."""
    never: list[ErrorCode] = []
    """Codes that are never tried again."""


class Cache(Part):
    """Reuse an output that was stored for the same type, config and key."""

    key: Omissible[Expression] = None
    """Tells outputs apart beyond type and config."""
    ttl: Span
    """For how long an output is reused."""


class Compensate(Part):
    """An activity that undoes its node, should the execution fail later. Its config sees the node's `output`."""

    type: ActivityTypeName
    """What undoes it."""
    config: TemplateObject = {}
    """What the activity type asks for."""
    retry: Omissible[Retry] = None
    timeout: Omissible[Span] = None
    """Of all its attempts, and the waits between them."""


class NodeFields(Part):
    """The fields of every node."""

    role = "node"

    title: Omissible[str] = None
    """For people; references always use the id."""
    description: Omissible[str] = None
    """For people, at length."""
    needs: list[EdgeText] = []
    """The incoming edges: `id` (its `out` port) or `id.port`. None: a start node."""
    join: Annotated[
        Annotated[Literal["all", "any"], Tag(tag("text"))] | Annotated[Join, Tag(tag("other"))], Discriminator(shape)
    ] = "all"
    """Run when all edges have settled and one is live, or as soon as any, or some, are live."""
    when: Omissible[Expression] = None
    """Asked once after the join; false skips the node."""
    timeout: Omissible[Span] = None
    """Of the whole node: queueing, retries and waits."""

    @property
    def edges(self) -> tuple[Need, ...]:
        """`needs`, read: one entry for each, in the written order."""
        return tuple(_need(text) for text in self.needs)

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports that an edge can leave by."""
        raise NotImplementedError

    @property
    def continues_on_error(self) -> bool:
        """Whether a failure leaves by `out`."""
        return False


class WithOut(NodeFields):
    """A node with an `out` port."""

    on_error: Literal["fail", "continue"] = "fail"
    """What a failure does: fail the graph, or leave by `out` without an output."""

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, ERROR)

    @property
    def continues_on_error(self) -> bool:
        return self.on_error == "continue"


class Activity(WithOut, title="Activity"):
    """Work done by an activity type, on a worker."""

    type: ActivityTypeName
    """What is done."""
    config: TemplateObject = {}
    """What the activity type asks for."""
    retry: Omissible[Retry] = None
    attempt_timeout: Omissible[Span] = None
    """Of one attempt; past it the attempt fails with `timeout.attempt`."""
    cache: Omissible[Cache] = None
    queue: Omissible[NotEmpty] = None
    """A worker pool, for nodes that need special workers."""
    mask: list[MaskPointer] = []
    """JSON pointers (`*` allowed) into the output that records and the API never show in clear."""
    compensate: Omissible[Compensate] = None
    """What undoes it, should the execution fail later."""

    @model_validator(mode="after")
    def _nothing_masked_is_cached(self) -> Self:
        if self.cache is not None and self.mask:
            raise wrong("field_not_allowed", "`cache` would keep what `mask` hides.", field="cache")
        return self


class Broken(NodeFields):
    """Stands for a node that could not be read, so that the rest can still be checked. Its ports are not known."""

    type: Literal["broken"] = "broken"
    edges_read: bool = True
    """Whether all its edges could be."""

    @property
    def ports(self) -> tuple[str, ...]:
        return ()


def _need(text: str) -> Need:
    id, _, port = text.partition(".")
    return Need(id, port or OUT, text)
