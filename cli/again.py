"""The verbs for executions that have ended: have them go on, or begin once more in the middle."""

import uuid
from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.executions import Id, Reason, address, followed
from cli.given import given
from cli.replies import Execution
from cli.server import Api, ApiKey, Data, Reply, Url, connected

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end.")]


def retry(
    id: Id,
    *,
    reason: Reason = None,
    wait: Wait = True,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Go on with an execution that failed, was cancelled or took too long. What has succeeded is not run again."""
    with connected(url, api_key, data) as api:
        _goes_on(api, api.post(address(id, "retry"), json={"reason": reason}), wait=wait, as_json=as_json)


def rollback(
    id: Id,
    *,
    to: Annotated[str, typer.Option("--to", help="The node to go back to: it and all after it run again.")],
    reason: Reason = None,
    wait: Wait = True,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Undo what a node and all after it did, then run them again, in an execution that has ended."""
    with connected(url, api_key, data) as api:
        _goes_on(api, api.post(address(id, "rollback"), json={"to": to, "reason": reason}), wait=wait, as_json=as_json)


def rerun(
    id: Id,
    *,
    begin: Annotated[list[str], typer.Option("--from", help="A node that runs, as all after it; say it of several.")],
    version: Annotated[str | None, typer.Option(help="A number or a tag; otherwise the same.")] = None,
    input: Annotated[
        str | None, typer.Option("--input", "-i", help="Another input as JSON; @FILE reads a file, @- stdin.")
    ] = None,
    outputs: Annotated[
        str | None, typer.Option(help="Other outputs of nodes that are reused, as a JSON object.")
    ] = None,
    vars: Annotated[str | None, typer.Option(help="Other values of variables, as a JSON object.")] = None,
    key: Annotated[str | None, typer.Option(help="Starts once, however often it is said with this key.")] = None,
    reason: Reason = None,
    wait: Wait = True,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Start an execution in the middle of another one, and follow it. What comes before is reused."""
    body: dict[str, JsonValue] = {"from": [*begin], "reason": reason}
    if version is not None:
        body["version"] = int(version) if version.isdecimal() else version
    for name, text in {"input": input, "outputs": outputs, "vars": vars}.items():
        if text is not None:
            body[name] = given(text, name)
    with connected(url, api_key, data) as api:
        reply = api.post(address(id, "rerun"), json=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})
        _goes_on(api, reply, wait=wait, as_json=as_json)


def _goes_on(api: Api, reply: Reply, *, wait: bool, as_json: bool) -> None:
    if wait:
        followed(api, reply.read(Execution), as_json=as_json)
    else:
        tell(reply, Execution, lambda going_on: [going_on.id], as_json=as_json)
