"""The verbs for stored outputs: list, show, make and remove them."""

from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.given import given
from cli.outcomes import Misused
from cli.plain import clean_json
from cli.replies import CachedOutput, CachedOutputs, Removed
from cli.server import ApiKey, Data, Url, connected, segment

Workflow = Annotated[str | None, typer.Option(help="Those made for a workflow.")]
Node = Annotated[str | None, typer.Option(help="Those made for a node: its path without numbers, as `each.price`.")]
Key = Annotated[str | None, typer.Option(help="Those with a key, as JSON; what is none is text.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A stored output; `perdure cache ls` tells ids.")]


def ls(
    workflow: Workflow = None,
    node: Node = None,
    key: Key = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    *,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """List stored outputs, the newest first."""
    with connected(url, api_key, data) as api:
        reply = api.get("/cache", workflow=workflow, node=node, key=key, limit=limit)
    tell(reply, CachedOutputs, lambda found: map(_line, found.items), as_json=as_json)


def show(id: Id, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Show a stored output, as JSON."""
    with connected(url, api_key, data) as api:
        typer.echo(clean_json(api.get(f"/cache/{segment(id)}").text))


def warm(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its name or id.")],
    node: Annotated[str, typer.Argument(metavar="NODE", help="Its path without numbers, as `each.price`.")],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="As JSON; @FILE reads a file, @- stdin.")],
    *,
    key: Annotated[str | None, typer.Option(help="What `cache.key` gives, as JSON.")] = None,
    config: Annotated[
        str | None, typer.Option(help="The config once its templates are filled in, as JSON; @FILE reads a file.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="A number or a tag; otherwise the newest.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--ttl", help="Seconds that it is used; otherwise as the node says.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Store an output: the node uses it as if it had run."""
    body: dict[str, JsonValue] = {"workflow": workflow, "node": node, "output": given(output, "output")}
    if key is not None:
        body["key"] = given(key, "key")
    if config is not None:
        body["config"] = given(config, "config")
    if version is not None:
        body["version"] = int(version) if version.isdecimal() else version
    if seconds is not None:
        body["ttl"] = seconds
    with connected(url, api_key, data) as api:
        reply = api.post("/cache", json=body)
    tell(reply, CachedOutput, lambda stored: [_line(stored)], as_json=as_json)


def rm(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One of them.")] = None,
    workflow: Workflow = None,
    node: Node = None,
    key: Key = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Remove stored outputs: their nodes run again the next time."""
    some = any((workflow, node, key))
    if [id is not None, some, everything].count(True) != 1:
        raise Misused("Say which: an id, or --workflow, --node and --key, or --all.")
    removed, more = 0, True
    with connected(url, api_key, data) as api:
        if id is not None:
            api.delete(f"/cache/{segment(id)}")
            removed, more = 1, False
        while more:
            told = api.delete("/cache", workflow=workflow, node=node, key=key, all="true" if everything else None).read(
                Removed
            )
            removed, more = removed + told.removed, told.more
    typer.echo(f"{removed} removed")


def _line(each: CachedOutput) -> str:
    place = f"{each.workflow or '?'} {each.node or '?'}"
    until = f"until {each.expires_at:%F %T}, used {each.hits} times"
    return f"{each.id} {place} {each.type} {each.output_bytes} bytes {until}"
