"""The verb that says why an execution does not move."""

import typer

from cli import local
from cli.executions import AsJson, Id, address
from cli.plain import clean, clean_json
from cli.replies import Execution, WaitPage
from cli.server import ApiKey, Data, Url, connected


def why(id: Id, *, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Say what an execution waits for: people, events, times, limits, workers."""
    with connected(url, api_key, data) as api:
        reply = api.get(address(id, "waiting"))
        if as_json:
            typer.echo(clean_json(reply.text))
            return
        waits = reply.read(WaitPage).items
        status = "" if waits else api.get(address(id)).read(Execution).status
    for wait in waits:
        typer.echo(clean(": ".join(part for part in (wait.path, wait.reason, wait.text) if part)))
    if not waits:
        typer.echo(f"{id} waits for nothing: it is {status.replace('_', ' ')}.")
