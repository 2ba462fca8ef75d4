"""What an execution has done so far, put together from its events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ValidationError

from cli.replies import Error, Event

STATUSES = {
    "node.started": "running",
    "node.waiting": "waiting",
    "node.succeeded": "succeeded",
    "node.failed": "failed",
    "node.skipped": "skipped",
    "node.cancelled": "cancelled",
}


@dataclass(frozen=True)
class Step:
    """One node run."""

    path: str
    status: str
    type: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    error: Error | None = None

    @property
    def lasted(self) -> timedelta | None:
        """How long it took, if it has ended."""
        return self.ended - self.began if self.began and self.ended else None


class Told(BaseModel):
    """What events tell beside their type."""

    type: str = ""
    error: Error | None = None
    reused: bool = False


class Progress:
    """The steps of the newest attempt at an execution in the order in which they began."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.seq = 0
        self.attempt = 0

    def take_all(self, events: Iterable[Event]) -> Iterator[Step]:
        """Note events that are new, and give the steps that they changed."""
        for event in events:
            if event.seq > self.seq and (step := self.take(event)) is not None:
                yield step

    def take(self, event: Event) -> Step | None:
        """Note an event, and give the step that it changed."""
        self.seq = max(self.seq, event.seq)
        if event.attempt > self.attempt:
            self.attempt, self.steps = event.attempt, {}
        status = STATUSES.get(event.type)
        if status is None:
            return None
        told = _told(event)
        before = self.steps.get(event.path, Step(event.path, status))
        if told.reused:
            status = "reused"
        step = replace(before, status=status, error=told.error, type=told.type or before.type)
        match status:
            case "running":
                step = replace(step, began=event.at, ended=None)
            case "waiting":
                pass
            case _:
                step = replace(step, ended=event.at)
        self.steps[event.path] = step
        return step


def _told(event: Event) -> Told:
    try:
        return Told.model_validate(event.data or {})
    except ValidationError:
        return Told()
