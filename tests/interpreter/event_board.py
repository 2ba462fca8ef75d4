"""Events of one tenant in memory: who waits is told, who looks back is shown, an execution takes each once. The same
activities as the product's, without a database."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue

from dag.event_messages import (
    EMIT,
    SIGNAL,
    SUBSCRIBE,
    TAKE,
    UNSUBSCRIBE,
    EarlierEvent,
    Emission,
    EmittedEvent,
    Subscribed,
    Subscription,
    Taking,
    Unsubscription,
    Wanted,
)
from dag.event_names import canonical
from runtime.converter import raw


@dataclass
class EventBoard:
    """What has been emitted, who waits, and who has taken what."""

    client: Client
    events: dict[str, EmittedEvent] = field(default_factory=dict[str, EmittedEvent])
    """By id, the oldest first."""
    waits: dict[tuple[str, str], Sequence[Wanted]] = field(default_factory=dict[tuple[str, str], Sequence[Wanted]])
    """By workflow and path."""
    taken: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """By workflow and event, the path that has it."""

    async def emit(self, name: str, key: JsonValue = None, payload: JsonValue = None, *, id: str | None = None) -> str:
        """Keep an event and tell all who wait for it; once for each id."""
        event = EmittedEvent(id or f"ev_{uuid.uuid4().hex}", name, key, payload, datetime.now(UTC).isoformat())
        event = self.events.setdefault(event.id, event)
        waiting = {workflow for (workflow, _), wanted in self.waits.items() if positions(wanted, event)}
        for workflow in sorted(waiting):
            await self.client.get_workflow_handle(workflow).signal(SIGNAL, event)
        return event.id

    def activities(self) -> Sequence[Callable[..., Awaitable[object]]]:
        """What a worker has to run for executions that wait and emit."""

        @activity.defn(name=SUBSCRIBE)
        async def subscribe(asked: Subscription) -> Subscribed:
            workflow = str(activity.info().workflow_id)
            self.waits[workflow, asked.path] = asked.wanted
            return Subscribed(tuple(self._earlier(workflow, asked)), None)

        @activity.defn(name=UNSUBSCRIBE)
        async def unsubscribe(asked: Unsubscription) -> RawValue:
            self.waits.pop((str(activity.info().workflow_id), asked.path), None)
            return raw(b"null")

        @activity.defn(name=TAKE)
        async def take(asked: Taking) -> bool:
            return self.taken.setdefault((str(activity.info().workflow_id), asked.event), asked.path) == asked.path

        @activity.defn(name=EMIT)
        async def emit(asked: Emission) -> str:
            id = f"ev_{uuid.uuid5(uuid.NAMESPACE_OID, f'{activity.info().workflow_id} {asked.attempt} {asked.path}')}"
            return await self.emit(asked.name, asked.key, asked.payload, id=id)

        return [subscribe, unsubscribe, take, emit]

    def _earlier(self, workflow: str, asked: Subscription) -> Sequence[EarlierEvent]:
        return [
            EarlierEvent(event.id, event.name, event.key, event.payload, event.at, fitting)
            for event in self.events.values()
            if asked.since is not None
            and datetime.fromisoformat(event.at) >= datetime.fromisoformat(asked.since)
            and self.taken.get((workflow, event.id), asked.path) == asked.path
            and (fitting := positions(asked.wanted, event))
        ]


def positions(wanted: Sequence[Wanted], event: EmittedEvent) -> tuple[int, ...]:
    """Which entries an event fits, by name and key."""
    return tuple(
        position
        for position, one in enumerate(wanted)
        if one.name == event.name and (not one.keyed or canonical(one.key) == canonical(event.key))
    )
