"""The verbs of `perdure debug`: breakpoints, steps, and a look into an execution that is held."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.executions import Id, address
from cli.plain import clean, clean_json
from cli.replies import Inside, Scopes, Steered
from cli.server import ApiKey, Data, Url, connected, segment
from cli.steering import told


class Mode(StrEnum):
    """How far a step goes."""

    OVER = "over"
    INTO = "into"


Node = Annotated[str, typer.Argument(metavar="NODE", help="Its path: `each[2].price`, `each.price`, or `*`.")]
Graph = Annotated[str, typer.Option("--in", help="A graph, as `each[2]`.")]


def enable(id: Id, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Heed breakpoints."""
    _debug(id, "enable", {}, url, api_key, data)


def disable(id: Id, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Heed none, and go on where one holds the execution."""
    _debug(id, "disable", {}, url, api_key, data)


def step(
    id: Id,
    mode: Annotated[Mode, typer.Argument(help="Whether the next node is one of the same graph, or any.")] = Mode.OVER,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Start one node of a paused execution, and hold before the next."""
    _debug(id, "step", {"mode": mode.value}, url, api_key, data)


def set_breakpoint(
    id: Id,
    node: Node = "*",
    *,
    condition: Annotated[str | None, typer.Option("--if", help="An expression over what the node sees.")] = None,
    on_error: Annotated[bool, typer.Option("--on-error", help="Hold when the node has failed.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Set a breakpoint, in place of another at the same node."""
    _debug(id, "breakpoint", {"node": node, "condition": condition, "on_error": on_error}, url, api_key, data)


def clear(id: Id, node: Node = "*", url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Take the breakpoint of a node away."""
    with connected(url, api_key, data) as api:
        reply = api.delete(address(id, "debug", "breakpoint", segment(node)))
    typer.echo(told(id, reply.read(Steered)))


def state(
    id: Id,
    *,
    path: Graph = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Show which graphs run, how their nodes stand, and what starts next."""
    with connected(url, api_key, data) as api:
        reply = api.get(address(id, "debug", "state"), path=path)
    tell(reply, Inside, lambda inside: _inside(id, inside), as_json=as_json)


def variables(
    id: Id,
    *,
    path: Graph = "",
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Show the variables and names that are seen in a graph, the innermost first."""
    with connected(url, api_key, data) as api:
        reply = api.get(address(id, "debug", "variables"), path=path)
    tell(reply, Scopes, _scopes, as_json=as_json)


def _inside(id: str, inside: Inside) -> Iterator[str]:
    yield told(id, inside)
    for graph in inside.graphs:
        for node in graph.nodes:
            yield f"  {node.status:<10} {node.path}"
    if inside.next:
        yield f"next: {', '.join(inside.next)}"


def _scopes(found: Scopes) -> Iterator[str]:
    for scope in found.scopes:
        yield scope.path or "(the document)"
        for each in scope.values:
            shown = f"({each.bytes} bytes)" if each.bytes is not None else clean_json(each.written)
            yield f"  {clean(each.name)} = {shown}"


def _debug(id: str, verb: str, body: JsonValue, url: Url, api_key: ApiKey, data: Data) -> None:
    with connected(url, api_key, data) as api:
        reply = api.post(address(id, "debug", verb), json=body)
    typer.echo(told(id, reply.read(Steered)))
