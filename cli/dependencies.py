"""The verbs of `perdure dependencies`: workflows that start only after others have succeeded."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

import typer
from pydantic import BaseModel, JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.server import ApiKey, Data, Url, connected, segment
from cli.showing import seconds

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its name or id.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The workflow that has to have succeeded.")]
Within = Annotated[str, typer.Option(help="For how long a success counts, as `1d`.")]
OnUnmet = Annotated[
    Literal["refuse", "wait"], typer.Option(help="Whether a start before that is refused, or waits in the queue.")
]
AtMost = Annotated[str | None, typer.Option(help="With `wait`: for how long, as `2h`; otherwise for ever.")]


class Dependency(BaseModel):
    """What a workflow depends on."""

    depends_on: str
    within: float
    on_unmet: str
    wait_at_most: float | None = None
    met: bool


class Dependencies(BaseModel):
    """A page of them."""

    items: list[Dependency]


class Review(BaseModel):
    """Whether there can be such a dependency."""

    valid: bool
    code: str | None = None
    message: str | None = None


def ls(
    workflow: Workflow,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 500,
    *,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """List what a workflow depends on, and whether that has succeeded lately."""
    with connected(url, api_key, data) as api:
        reply = api.get(_address(workflow), limit=limit)
    tell(reply, Dependencies, lambda found: map(_line, found.items), as_json=as_json)


def put(
    workflow: Workflow,
    other: Other,
    *,
    within: Within,
    on_unmet: OnUnmet = "refuse",
    wait_at_most: AtMost = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Let a workflow start only if another one has succeeded lately."""
    with connected(url, api_key, data) as api:
        reply = api.post(_address(workflow), json=_wanted(other, within, on_unmet, wait_at_most))
    tell(reply, Dependency, lambda stored: [_line(stored)], as_json=as_json)


def check(
    workflow: Workflow,
    other: Other,
    *,
    within: Within = "1d",
    on_unmet: OnUnmet = "refuse",
    wait_at_most: AtMost = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Tell whether a workflow can depend on another one; nothing is stored."""
    with connected(url, api_key, data) as api:
        reply = api.post(_address(workflow, "validate"), json=_wanted(other, within, on_unmet, wait_at_most))
    tell(reply, Review, _review, as_json=as_json)
    if not reply.read(Review).valid:
        raise typer.Exit(1)


def rm(workflow: Workflow, other: Other, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Let a workflow no longer depend on another one."""
    with connected(url, api_key, data) as api:
        api.delete(_address(workflow, segment(other)))
    typer.echo(f"{workflow} no longer depends on {other}")


def _address(workflow: str, *part: str) -> str:
    return "/".join(["/workflows", segment(workflow), "dependencies", *part])


def _wanted(other: str, within: str, on_unmet: str, wait_at_most: str | None) -> JsonValue:
    return {"depends_on": other, "within": within, "on_unmet": on_unmet, "wait_at_most": wait_at_most}


def _line(each: Dependency) -> str:
    met = "met" if each.met else "not met"
    at_most = "" if each.wait_at_most is None else f" at most {seconds(timedelta(seconds=each.wait_at_most))}"
    return f"{each.depends_on}: {met}, within {seconds(timedelta(seconds=each.within))}, else {each.on_unmet}{at_most}"


def _review(found: Review) -> Iterator[str]:
    yield "It can." if found.valid else f"{found.message} ({found.code})"
