"""The verbs that steer an execution which runs: pause, resume, skip, terminate, give variables other values."""

from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.executions import Id, Reason, address
from cli.given import given
from cli.outcomes import Misused
from cli.plain import clean
from cli.replies import Steered
from cli.server import ApiKey, Data, Url, connected

NodePath = Annotated[str, typer.Argument(metavar="PATH", help="Of a node run, as `each[2].price`.")]


def pause(id: Id, reason: Reason = None, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Start no further node of an execution. What runs goes on, and so do clocks."""
    _steered(id, "pause", {"reason": reason}, url, api_key, data)


def resume(id: Id, reason: Reason = None, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Let an execution go on that was paused, or is held by the debugger."""
    _steered(id, "resume", {"reason": reason}, url, api_key, data)


def skip(
    id: Id,
    path: NodePath,
    reason: Reason = None,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Skip a node that has not started, or waits; one that runs is asked to stop."""
    _steered(id, "skip", {"path": path, "reason": reason}, url, api_key, data)


def assign(
    id: Id,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE", help="A variable and its value, as JSON.")],
    *,
    path: Annotated[str, typer.Option("--in", help="The graph that declares them, as `each[2]`.")] = "",
    reason: Reason = None,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Give variables of an execution other values."""
    said: dict[str, JsonValue] = {}
    for each in values:
        name, equals, value = each.partition("=")
        if not equals:
            raise Misused(f"`{each}` is no NAME=VALUE.")
        said[name] = given(value, f"value of {name}")
    _steered(id, "variables", {"values": said, "path": path, "reason": reason}, url, api_key, data)


def terminate(
    id: Id, reason: Reason = None, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER
) -> None:
    """End an execution at once: no `finally` runs, and nothing is undone."""
    with connected(url, api_key, data) as api:
        api.post(address(id, "terminate"), json={"reason": reason})
    typer.echo(f"{id}: terminated")


def told(id: str, steered: Steered) -> str:
    """How it stands, on one line."""
    held = f", held at {steered.held.path} ({steered.held.why})" if steered.held else ""
    return clean(f"{id}: {'paused' if steered.paused else 'goes on'}{held}")


def _steered(id: str, verb: str, body: JsonValue, url: Url, api_key: ApiKey, data: Data) -> None:
    with connected(url, api_key, data) as api:
        reply = api.post(address(id, verb), json=body)
    typer.echo(told(id, reply.read(Steered)))
