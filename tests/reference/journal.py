"""Reads the outcome of an execution out of its step events."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dag.events import StepEvent, checksum
from tests.reference.expressions import MISSING
from tests.reference.failure import Failure
from tests.reference.outcome import NodeOutcome, Outcome, Status
from tests.reference.paths import graph_of, id_of

SETTLED: Final[Mapping[str, Status]] = {
    "node.succeeded": "succeeded",
    "node.failed": "failed",
    "node.skipped": "skipped",
    "node.cancelled": "cancelled",
}


def outcome_of(events: Iterable[StepEvent]) -> Outcome:
    """What the events of an execution say; that they are numbered and chained in each strand, and no node starts or
    settles twice."""
    strands: dict[str, list[StepEvent]] = {"": []}
    for event in events:
        strands.setdefault(event.strand, []).append(event)
    for told in strands.values():
        _check_chain(told)
    first, *steps, last = strands.pop("")
    assert first.type == "execution.started"
    for told in strands.values():
        assert told[-1].type == "strand.ended"
        steps = [*told[:-1], *steps]
    ending = _data(last)
    started = [event for event in steps if event.type == "node.started"]
    settled = [event for event in steps if event.type in SETTLED]
    for kind in (started, settled):
        assert len({event.path for event in kind}) == len(kind), "a node started or settled twice"
    is_over: set[str] = set()
    for event in steps:
        assert event.path not in is_over, "something happened to a node that had settled"
        if event.type in SETTLED:
            is_over.add(event.path)
    marks = [number for number, event in enumerate(steps) if str(event.type).startswith("compensation.")]
    begin, end = marks or (len(steps), len(steps))
    compensated = tuple(event.path for event in steps[begin:end] if event in started)
    if marks:
        assert _data(steps[begin])["due"] == len(compensated) == len({*compensated})
        assert all(path.endswith(".compensate") for path in compensated)
    return Outcome(
        status=last.type.removeprefix("execution."),  # pyright: ignore[reportArgumentType]
        output=without_words(ending.get("output")),
        error=_failure(ending.get("error")),
        nodes={event.path: _node(event) for event in settled},
        order=_by_graph(event.path for event in started if event.path not in compensated),
        configs={event.path: without_words(_data(event)["config"]) for event in started if "config" in _data(event)},
        compensation=_data(steps[end])["status"] if marks else "none",
        compensated=compensated,
    )


def _check_chain(told: list[StepEvent]) -> None:
    previous = 0
    for number, event in enumerate(told, start=1):
        assert (event.n, event.previous) == (number, previous)
        previous = event.checksum
        assert event.checksum == checksum(event.previous, event.n, event.type, event.path, event.data)


def _by_graph(paths: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    order: dict[str, tuple[str, ...]] = {}
    for path in paths:
        order[graph_of(path)] = (*order.get(graph_of(path), ()), id_of(path))
    return order


def _node(event: StepEvent) -> NodeOutcome:
    data = _data(event)
    output = without_words(data.get("output")) if event.type == "node.succeeded" else MISSING
    error: Mapping[str, Any] = data.get("error") or {}
    return NodeOutcome(SETTLED[event.type], data.get("port"), output, error.get("code"))


def _failure(error: Any) -> Failure | None:
    """A cause is one error or several."""
    if error is None:
        return None
    causes = error.get("cause") or []
    found = map(_failure, causes if isinstance(causes, list) else [causes])
    return Failure(error["code"], error.get("node"), error.get("path"), tuple(each for each in found if each))


def without_words(found: Any) -> Any:
    """Of the errors in a value, only what the reference knows."""
    match found:
        case {"code": _, "message": _}:
            return {field: found.get(field) for field in ("code", "node", "path")}
        case dict():
            return {name: without_words(entry) for name, entry in found.items()}
        case list():
            return [without_words(entry) for entry in found]
        case _:
            return found


def _data(event: StepEvent) -> Mapping[str, Any]:
    return event.data if isinstance(event.data, dict) else {}
