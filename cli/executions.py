"""The verbs for executions: start, follow, list, look into, signal and cancel them."""

import re
import uuid
from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.events import Key, Payload, SendKey, event
from cli.given import given
from cli.outcomes import BY_STATUS, Exit, Misused
from cli.plain import clean_json
from cli.replies import EmittedEvent, Execution, ExecutionPage, NodeRunPage, WorkflowPage
from cli.server import Api, ApiKey, Data, Url, connected, segment

ID = re.compile("ex_[0-9a-f]{32}")

Id = Annotated[str, typer.Argument(metavar="ID", help="An execution's id.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; the journal tells it.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]


def run(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its name or id.")],
    *,
    input: Annotated[
        str, typer.Option("--input", "-i", help="Its input as JSON; @FILE reads a file, @- stdin.")
    ] = "{}",
    key: Annotated[str | None, typer.Option(help="Starts once, however often it is said with this key.")] = None,
    version: Annotated[str | None, typer.Option(help="A number or a tag; otherwise the newest.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")] = True,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Start an execution and follow it. Ctrl-C stops following; the execution goes on."""
    body: dict[str, JsonValue] = {"input": given(input, "input")}
    if version is not None:
        body["version"] = int(version) if version.isdecimal() else version
    with connected(url, api_key, data) as api:
        # With a key of its own a start can be repeated, whatever became of the first answer.
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        reply = api.post(f"/workflows/{segment(workflow)}/executions", json=body, headers=headers)
        if wait:
            followed(api, reply.read(Execution), as_json=as_json)
        else:
            tell(reply, Execution, lambda started: [started.id], as_json=as_json)


def show(
    id: Id, *, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER
) -> None:
    """Show an execution and its node runs."""
    from cli.showing import execution_shown

    with connected(url, api_key, data) as api:
        reply = api.get(address(id))

        def shown(execution: Execution) -> None:
            nodes = api.get(address(id, "nodes"), limit=500).read(NodeRunPage)
            execution_shown(execution, nodes.items, more=nodes.next is not None)

        tell(reply, Execution, shown, as_json=as_json)


def follow(
    id: Id, *, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER
) -> None:
    """Follow an execution to its end; the exit status is that of its outcome."""
    with connected(url, api_key, data) as api:
        followed(api, api.get(address(id)).read(Execution), as_json=as_json)


def ls(
    *,
    of_workflows: Annotated[bool, typer.Option("--workflows", help="List workflows instead.")] = False,
    workflow: Annotated[str | None, typer.Option(help="Only executions of this one.")] = None,
    status: Annotated[str | None, typer.Option(help="Only those that are so, as `running` or `failed`.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="ID", help="Only those that this execution started.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """List executions, the newest first."""
    from cli.showing import executions_shown, workflows_shown

    with connected(url, api_key, data) as api:
        if of_workflows:
            reply = api.get("/workflows", limit=limit)
        else:
            reply = api.get("/workflows/executions", workflow=workflow, status=status, parent=parent, limit=limit)
    if of_workflows:
        tell(reply, WorkflowPage, lambda found: workflows_shown(found.items), as_json=as_json)
    else:
        tell(reply, ExecutionPage, lambda found: executions_shown(found.items), as_json=as_json)


def cancel(
    id: Id,
    reason: Reason = None,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Ask an execution to stop. It runs its `finally` first, and what it compensates."""
    with connected(url, api_key, data) as api:
        api.post(address(id, "cancel"), json={"reason": reason})
    typer.echo(f"{id}: asked to cancel")


def signal(
    id: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The event's name.")],
    *,
    event_key: Key = None,
    payload: Payload = None,
    reason: Reason = None,
    key: SendKey = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Send an event to one execution."""
    body, headers = event(name, event_key, payload, key)
    body["reason"] = reason
    with connected(url, api_key, data) as api:
        reply = api.post(address(id, "signal"), json=body, headers=headers)
    tell(reply, EmittedEvent, lambda sent: [sent.id], as_json=as_json)


def followed(api: Api, started: Execution, *, as_json: bool) -> None:
    """Follow an execution to its end, which the exit status tells."""
    from cli.following import follow as to_its_end

    try:
        ended, text = to_its_end(api, started, quiet=as_json)
    except KeyboardInterrupt:
        typer.echo(f"{started.id} goes on. Follow it again: perdure follow {started.id}", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None
    if as_json:
        typer.echo(clean_json(text))
    raise typer.Exit(BY_STATUS.get(ended.status, Exit.FAILED))


def address(id: str, *part: str) -> str:
    """Where the API has an execution, or a part of it. Raises Misused."""
    if not ID.fullmatch(id):
        raise Misused(f"`{id}` is no id of an execution. `perdure ls` lists them.")
    return "/".join(["/workflows/executions", segment(id), *part])
