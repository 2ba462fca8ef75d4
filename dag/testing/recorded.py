"""Makes a test of what an execution did: the same input, the same answers from outside, the same end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from dag.masks import HIDDEN
from dag.plan import Plan
from dag.problems import pointer
from dag.testing.mode import MOCKABLE
from dag.testing.places import Place, find

MOST_MOCKS = 1_000


@dataclass(frozen=True)
class RunSeen:
    """A node run."""

    path: str
    status: str
    port: str | None
    output: JsonValue
    output_bytes: int | None
    """Of an output that is too large to be told."""
    error: JsonValue


@dataclass(frozen=True)
class Vote:
    """What somebody said to a task."""

    path: str
    after: float
    assignees: Sequence[str]
    data: dict[str, JsonValue]


def case_of(
    plan: Plan,
    *,
    input: JsonValue,
    started_at: str,
    status: str,
    output: JsonValue,
    error: JsonValue,
    runs: Sequence[RunSeen],
    votes: Sequence[Vote],
) -> tuple[JsonValue, list[str], list[str]]:
    """The test, the places in it that are masked, and the node runs that could not be mocked."""
    tasks = {vote.path for vote in votes} - {vote.path for vote in votes if not _may_be_said(vote)}
    mocks: dict[str, JsonValue] = {}
    missing: list[str] = []
    for run in runs:
        place = find(plan.graph, run.path)
        if place is None or run.path in tasks or run.status not in ("succeeded", "failed"):
            continue
        if not _comes_from_outside(place):
            continue
        if run.output_bytes is not None or len(mocks) >= MOST_MOCKS:
            missing.append(run.path)
        elif run.status == "failed":
            mocks[run.path] = {"error": _error(run.error)}
        else:
            mocks[run.path] = _output(run, place)
    masked = [pointer(("mocks", path, *where)) for path, mock in mocks.items() for where in _hidden(mock)]
    assertions: list[JsonValue] = [{"equals": {"path": "status", "value": status}}]
    if status == "succeeded":
        assertions.append({"equals": {"path": "output", "value": output}})
    elif isinstance(error, dict):
        assertions.append({"equals": {"path": "error.code", "value": error["code"]}})
    case: dict[str, JsonValue] = {
        "input": input,
        "time": {"frozen": started_at},
        "mocks": mocks,
        "decisions": [_decision(vote) for vote in votes if vote.path in tasks],
        "assertions": assertions,
    }
    return case, masked, missing


def _comes_from_outside(place: Place) -> bool:
    if place.undoes:
        return True
    call = place.node.call
    return place.node.type in MOCKABLE - {"emit_event"} if call is None else call.effects


def _output(run: RunSeen, place: Place) -> JsonValue:
    output: JsonValue = _literal(run.output)
    if place.node.call is None and run.port not in (None, "out"):
        return {"output": output, "port": run.port}
    return {"output": output}


def _literal(value: JsonValue) -> JsonValue:
    """The value as a mock says it: what looks like a template is none."""
    match value:
        case str():
            return value.replace("${{", "$${{")
        case dict():
            return {key: _literal(child) for key, child in value.items()}
        case list():
            return [_literal(child) for child in value]
        case _:
            return value


def _error(error: JsonValue) -> JsonValue:
    told = error if isinstance(error, dict) else {"code": "internal"}
    return {
        "code": told["code"],
        "message": _literal(str(told.get("message", ""))[:4_000]),
        "details": _literal(told.get("details")),
    }


def _may_be_said(vote: Vote) -> bool:
    """Whether the vote can be said again: of a key's, and of a group's member, it is not known who speaks."""
    by = str(vote.data.get("by", ""))
    return by.startswith("user:") and (not vote.assignees or by in vote.assignees) and "values_bytes" not in vote.data


def _decision(vote: Vote) -> JsonValue:
    said = {key: vote.data[key] for key in ("by", "verdict", "comment", "values") if vote.data.get(key) is not None}
    return {"path": vote.path, **said, "after": f"{max(0, round(vote.after * 1000))}ms"}


def _hidden(value: JsonValue) -> Iterator[tuple[str | int, ...]]:
    waiting: list[tuple[tuple[str | int, ...], JsonValue]] = [((), value)]
    while waiting:
        path, one = waiting.pop()
        if one == HIDDEN:
            yield path
        elif isinstance(one, dict):
            waiting += [((*path, key), child) for key, child in one.items()]
        elif isinstance(one, list):
            waiting += [((*path, place), child) for place, child in enumerate(one)]
