"""The verbs for stored outputs: list, show and remove them."""

from typing import Annotated

import typer

from cli import local
from cli.outcomes import Misused
from cli.plain import clean, clean_json
from cli.replies import CachedOutputs, Removed
from cli.server import ApiKey, Data, Url, connected, segment

Workflow = Annotated[str | None, typer.Option(help="Those made for a workflow.")]
Node = Annotated[str | None, typer.Option(help="Those made for a node: its path without numbers, as `each.price`.")]
Key = Annotated[str | None, typer.Option(help="Those with a key, as JSON; what is none is text.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write what the API says, as JSON.")]
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
    if as_json:
        typer.echo(clean_json(reply.text))
        return
    for each in reply.read(CachedOutputs).items:
        place = f"{each.workflow or '?'} {each.node or '?'}"
        until = f"until {each.expires_at:%F %T}, used {each.hits} times"
        typer.echo(clean(f"{each.id} {place} {each.type} {each.output_bytes} bytes {until}"))


def show(id: Id, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Show a stored output, as JSON."""
    with connected(url, api_key, data) as api:
        typer.echo(clean_json(api.get(f"/cache/{segment(id)}").text))


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
