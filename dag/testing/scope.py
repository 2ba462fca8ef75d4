"""What assertions see of an execution that has ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True)
class NodeSeen:
    """One node run."""

    path: str
    name: str
    """The path without turns."""
    status: str
    port: str | None
    output: JsonValue
    error: JsonValue
    mocked: bool


@dataclass(frozen=True)
class EventSeen:
    """One entry of the journal."""

    type: str
    path: str
    at: str
    data: JsonValue


def scope_of(
    *,
    status: str,
    input: JsonValue,
    output: JsonValue,
    error: JsonValue,
    duration: float,
    nodes: Iterable[NodeSeen],
    events: Iterable[EventSeen],
) -> Mapping[str, JsonValue]:
    """Values by root. A node that ran several times shows its last run, and all of them in `runs`."""
    seen: dict[str, JsonValue] = {}
    vars: dict[str, JsonValue] = {}
    runs: dict[str, list[JsonValue]] = {}
    for node in nodes:
        run: dict[str, JsonValue] = {
            "path": node.path,
            "status": node.status,
            "port": node.port,
            "output": node.output,
            "error": node.error,
            "mocked": node.mocked,
        }
        runs.setdefault(node.name, []).append(run)
        seen[node.name] = {**run, "runs": runs[node.name]}
    told: list[JsonValue] = []
    for event in events:
        told.append({"type": event.type, "path": event.path, "at": event.at, "data": event.data})
        if event.type == "vars.set" and isinstance(event.data, dict):
            vars.update(event.data)
    return {
        "status": status,
        "input": input,
        "output": output,
        "error": error,
        "duration": duration,
        "nodes": seen,
        "events": told,
        "vars": vars,
    }
