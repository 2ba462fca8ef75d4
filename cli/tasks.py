"""The verbs for tasks: look at what is asked, and say what somebody decides."""

from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.given import given
from cli.outcomes import Misused
from cli.replies import Task
from cli.server import ApiKey, Data, Url, connected, segment

Id = Annotated[str, typer.Argument(metavar="ID", help="A task's id; the event `node.waiting` tells it.")]


def show(
    id: Id, *, as_json: AsJson = False, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER
) -> None:
    """Show what is asked of whom, or how it ended."""
    with connected(url, api_key, data) as api:
        reply = api.get(f"/tasks/{segment(id)}")
    tell(reply, Task, _lines, as_json=as_json)


def decide(
    id: Id,
    *,
    approve: Annotated[bool, typer.Option("--approve", help="The verdict of an approval.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="The other one.")] = False,
    values: Annotated[
        str | None, typer.Option("--values", help="What is filled in, as JSON; @FILE reads a file, @- stdin.")
    ] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Why.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who decides, as `user:ann`; otherwise the key.")] = None,
    groups: Annotated[
        list[str] | None, typer.Option("--group", help="What they answer for, as `group:finance`; again for more.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Say what somebody decides. Repeated, it is answered as it was."""
    if approve and reject:
        raise Misused("One verdict: --approve or --reject.")
    body: dict[str, JsonValue] = {"groups": [*(groups or [])]}
    if approve or reject:
        body["verdict"] = "approve" if approve else "reject"
    if values is not None:
        body["values"] = given(values, "content of the form")
    body |= {name: text for name, text in (("comment", comment), ("by", by)) if text is not None}
    with connected(url, api_key, data) as api:
        reply = api.post(f"/tasks/{segment(id)}/decide", json=body)
    tell(reply, Task, lambda task: [task.status], as_json=as_json)


def _lines(task: Task) -> Sequence[str]:
    ended = f" by {task.by}" if task.by else ""
    lines = [f"{task.title or task.path}", f"{task.status}{ended}" + (f" at {task.at}" if task.at else "")]
    if task.description:
        lines.append(task.description)
    if task.status == "open":
        lines.append("for " + (", ".join(task.assignees) or "anybody"))
        if task.due:
            lines.append(f"until {task.due}")
    lines += [f"{vote.by}: {vote.verdict or 'answered'} at {vote.at}" for vote in task.votes]
    return lines
