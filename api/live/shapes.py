"""The messages of streams as their readers see them, for the description of the API."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from api.executions.shapes import EventOut, ListedOut, NodeStatus


class StandingOut(ListedOut):
    """An execution as lists show it, and how far its journal goes."""

    seq: int
    """Of its newest event."""


class NodeStandingOut(BaseModel):
    """A node run, without its output and error, which its own address gives."""

    path: str
    type: str | None
    status: NodeStatus
    port: str | None
    error_code: str | None
    cached: bool
    started_at: datetime | None
    ended_at: datetime | None
    seq: int
    """Of its first event."""


class SnapshotMessage(BaseModel):
    """How an execution stands as its stream begins, where no `since` was given."""

    kind: Literal["snapshot"]
    execution: StandingOut
    """Events follow after its `seq`."""
    nodes: list[NodeStandingOut]
    """The first 500 node runs of the newest attempt."""
    more_nodes: bool
    """Whether there are others: `GET …/nodes` lists them."""


class EventsMessage(BaseModel):
    """What happened next, in order, nothing left out and nothing twice."""

    kind: Literal["events"]
    execution: str
    items: list[EventOut]


class ResyncMessage(BaseModel):
    """The reader was too slow, or asked to go on after an event that is not there: events up to `seq` are left out.
    Read again what you show; events follow after `seq`."""

    kind: Literal["resync"]
    execution: str
    seq: int


class EndMessage(BaseModel):
    """An execution has ended and its events have been told. Once all have that the stream tells of, it closes."""

    kind: Literal["end"]
    execution: StandingOut


class TruncatedMessage(BaseModel):
    """More executions were started than one stream tells of: the others have streams of their own."""

    kind: Literal["truncated"]
    most: int


class HeartbeatMessage(BaseModel):
    """Nothing has happened for a while."""

    kind: Literal["heartbeat"]
    at: datetime


class CloseMessage(BaseModel):
    """The stream is over; a WebSocket says the same as it closes."""

    kind: Literal["close"]
    code: int
    reason: str


class FirstExecutionsMessage(BaseModel):
    """The 50 newest executions of the list, as its stream begins and after each `resync`."""

    kind: Literal["snapshot"]
    items: list[ListedOut]


class ExecutionsMessage(BaseModel):
    """What has changed. Of an execution that changes quickly only the newest state is told."""

    kind: Literal["executions"]
    items: list[ListedOut]
    """Executions of the list, as they are now."""
    left: list[str]
    """Others that changed: if the list showed them, they are not in it any more."""


class ListResyncMessage(BaseModel):
    """Changes may have been missed: another `snapshot` follows, and older rows are to be read again."""

    kind: Literal["resync"]


class ExecutionMessage(
    RootModel[
        Annotated[
            SnapshotMessage
            | EventsMessage
            | ResyncMessage
            | EndMessage
            | TruncatedMessage
            | HeartbeatMessage
            | CloseMessage,
            Field(discriminator="kind"),
        ]
    ]
):
    """A message in the stream of an execution."""


class ListMessage(
    RootModel[
        Annotated[
            FirstExecutionsMessage | ExecutionsMessage | ListResyncMessage | HeartbeatMessage | CloseMessage,
            Field(discriminator="kind"),
        ]
    ]
):
    """A message in the stream of all executions."""
