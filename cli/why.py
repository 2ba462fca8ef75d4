"""The verb that says why: why an execution does not move, or why a condition held or did not."""

from collections.abc import Iterator
from typing import Annotated

import orjson
import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.executions import Id, address
from cli.history_replies import Because, Condition, Part
from cli.outcomes import Misused
from cli.replies import Execution, WaitPage
from cli.server import ApiKey, Data, Url, connected

NodePath = Annotated[
    str | None, typer.Argument(metavar="[PATH]", help="A node run, as `each[2].price`: why its conditions held or not.")
]


def why(
    id: Id,
    path: NodePath = None,
    *,
    turn: Annotated[int | None, typer.Option(min=0, help="Of a loop's condition, the turn, from 0.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Say what an execution waits for: people, events, times, limits, workers. Or with PATH, why a condition held."""
    if path is None and turn is not None:
        raise Misused("--turn goes with the PATH of a loop.")
    with connected(url, api_key, data) as api:
        if path is not None:
            tell(api.get(address(id, "debug", "why"), path=path, turn=turn), Because, _because, as_json=as_json)
            return

        def waits(found: WaitPage) -> Iterator[str]:
            for wait in found.items:
                yield ": ".join(part for part in (wait.path, wait.reason, wait.text) if part)
            if not found.items:
                status = api.get(address(id)).read(Execution).status
                yield f"{id} waits for nothing: it is {status.replace('_', ' ')}."

        tell(api.get(address(id, "waiting")), WaitPage, waits, as_json=as_json)


def _because(found: Because) -> Iterator[str]:
    at = found.at.astimezone().isoformat(timespec="milliseconds", sep=" ")
    yield f"asked at {at}, attempt {found.attempt}"
    for condition in found.conditions:
        yield f"{_name(condition)}: {_result(condition)}"
        for part in condition.parts:
            yield f"  {'  ' * part.level}{part.expression} = {_value(part)}"
        if not condition.parts:
            yield f"  {condition.expression}"
        if condition.more:
            yield "  … and more parts than these"


def _name(condition: Condition) -> str:
    case = "" if condition.case is None else f" {condition.case}"
    turn = "" if condition.turn is None else f" in turn {condition.turn}"
    return f"{condition.kind}{case}{turn}"


def _result(condition: Condition) -> str:
    if condition.error is not None:
        return f"{condition.error.code}: {condition.error.message}"
    return _json(condition.result)


def _value(part: Part) -> str:
    match part.shown:
        case "value":
            return _json(part.value)
        case "large":
            return "(too large to be shown)"
        case "error":
            return "(it fails here)"
        case shown:
            return f"({shown})"


def _json(value: JsonValue) -> str:
    return orjson.dumps(value).decode()
