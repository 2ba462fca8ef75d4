"""What interpreter and worker tell each other of events: the signal, and the activities that wait for events and emit
them."""

from dataclasses import dataclass

from pydantic import JsonValue

SUBSCRIBE = "perdure.subscribe"
UNSUBSCRIBE = "perdure.unsubscribe"
TAKE = "perdure.take"
EMIT = "perdure.emit"
SIGNAL = "event"
"""The signal that brings an EmittedEvent."""


@dataclass(frozen=True)
class EmittedEvent:
    """An event, as it comes to whoever waits: perhaps more than once, always under the same id."""

    id: str
    name: str
    key: JsonValue
    """Null for an event without one."""
    payload: JsonValue
    at: str
    """ISO 8601, in UTC."""


@dataclass(frozen=True)
class Wanted:
    """One entry of what a node waits for."""

    name: str
    key: JsonValue = None
    keyed: bool = False
    """Whether only events with this key are wanted; else those with any key, or without one."""


@dataclass(frozen=True)
class Subscription:
    """A node that begins to wait. Said again it changes nothing."""

    path: str
    wanted: tuple[Wanted, ...]
    since: str | None = None
    """ISO 8601: earlier events that count too are those since then; null: none."""
    after: str | None = None
    """The `next` of the answer before, for the earlier events that did not fit into it."""


@dataclass(frozen=True)
class EarlierEvent:
    """An event that came before its wait."""

    id: str
    name: str
    key: JsonValue
    payload: JsonValue
    at: str
    positions: tuple[int, ...]
    """Which entries of the node's list it fits, by name and key."""


@dataclass(frozen=True)
class Subscribed:
    """The earlier events, oldest first. What comes from now on comes as a signal."""

    events: tuple[EarlierEvent, ...]
    next: str | None
    """Where the rest begins, if there is more: ask again with it as `after`."""


@dataclass(frozen=True)
class Unsubscription:
    """A node that no longer waits."""

    path: str


@dataclass(frozen=True)
class Taking:
    """A node that has decided for an event. The answer says whether it has it: true, however often it is asked, unless
    another node of the execution was first."""

    path: str
    event: str
    """Its id."""


@dataclass(frozen=True)
class Emission:
    """A node that emits an event: one, however often this is said for the same path and attempt."""

    path: str
    name: str
    key: JsonValue = None
    payload: JsonValue = None
    attempt: int = 1
    """Which attempt at the execution it is."""
