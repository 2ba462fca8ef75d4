"""What the command shows of an execution while it follows it."""

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from cli.progress import Progress
from cli.replies import Event

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def event(seq: int, type: str, path: str, *, attempt: int = 1, data: JsonValue = None) -> Event:
    at = BEGAN + timedelta(seconds=seq)
    return Event.model_validate({"seq": seq, "at": at, "type": type, "path": path, "attempt": attempt, "data": data})


def test_what_a_further_attempt_takes_over_is_told_as_reused_and_took_no_time() -> None:
    progress = Progress()
    said = [
        event(1, "node.started", "a", data={"type": "transform"}),
        event(2, "node.succeeded", "a"),
        event(3, "node.started", "b", data={"type": "transform"}),
        event(4, "node.failed", "b", data={"error": {"code": "user.no", "message": "No."}}),
        event(5, "execution.failed", ""),
    ]
    assert [step.status for step in progress.take_all(said)] == ["running", "succeeded", "running", "failed"]
    step = progress.take(event(9, "node.succeeded", "a", attempt=2, data={"type": "transform", "reused": True}))
    assert step is not None
    assert (step.status, step.type, step.lasted) == ("reused", "transform", None)
    assert [*progress.steps] == ["a"]
