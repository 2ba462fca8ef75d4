"""Reads the outcome of an execution out of its step events."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dag.events import EventType, StepEvent, checksum
from tests.reference.expressions import MISSING
from tests.reference.outcome import NodeOutcome, Outcome, Status

SETTLED: Final[Mapping[EventType, Status]] = {
    "node.succeeded": "succeeded",
    "node.failed": "failed",
    "node.skipped": "skipped",
    "node.cancelled": "cancelled",
}


def outcome_of(events: Iterable[StepEvent]) -> Outcome:
    """What the events of one strand say; that they are numbered and chained, and no node starts or settles twice."""
    told = list(events)
    previous = 0
    for number, event in enumerate(told, start=1):
        assert (event.n, event.previous) == (number, previous)
        previous = event.checksum
        assert event.checksum == checksum(event.previous, event.n, event.type, event.path, event.data)
    first, *steps, last = told
    assert first.type == "execution.started"
    ending = _data(last)
    error: Mapping[str, Any] = ending.get("error") or {}
    started = [event for event in steps if event.type == "node.started"]
    settled = [event for event in steps if event.type in SETTLED]
    for kind in (started, settled):
        assert len({event.path for event in kind}) == len(kind), "a node started or settled twice"
    is_over: set[str] = set()
    for event in steps:
        assert event.path not in is_over, "something happened to a node that had settled"
        if event.type in SETTLED:
            is_over.add(event.path)
    return Outcome(
        status=last.type.removeprefix("execution."),  # pyright: ignore[reportArgumentType]
        output=ending.get("output"),
        code=error.get("code"),
        culprit=error.get("node"),
        causes=tuple(cause["node"] for cause in error.get("cause") or ()),
        nodes={event.path: _node(event) for event in settled},
        order=tuple(event.path for event in started),
        configs={event.path: _data(event)["config"] for event in started if "config" in _data(event)},
    )


def _node(event: StepEvent) -> NodeOutcome:
    data = _data(event)
    output = data.get("output") if event.type == "node.succeeded" else MISSING
    error: Mapping[str, Any] = data.get("error") or {}
    return NodeOutcome(SETTLED[event.type], data.get("port"), output, error.get("code"))


def _data(event: StepEvent) -> Mapping[str, Any]:
    return event.data if isinstance(event.data, dict) else {}
