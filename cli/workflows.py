"""The verbs for definitions: publish, check and export them."""

import sys
from typing import Annotated, Literal

import typer

from cli import local
from cli.answers import AsJson
from cli.definitions import File, read, show_flaws
from cli.outcomes import Exit, Refused
from cli.plain import clean, clean_json, visible
from cli.replies import Publication, RefusedByProblem, Review, Workflow
from cli.server import Api, ApiKey, Data, Url, connected, segment

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="YAML or JSON; `-` is standard input.")]
Name = Annotated[str, typer.Argument(metavar="WORKFLOW", help="Its name or id.")]


def apply(
    files: Files,
    *,
    tests: Annotated[
        bool, typer.Option("--tests-required", help="Run the tests kept with each; publish it only if they pass.")
    ] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Publish definitions: each becomes the newest version of the workflow that has its name."""
    right = True
    with connected(url, api_key, data) as api:
        for name in files:
            right = _publish(api, read(name), tests=tests) and right
    if not right:
        raise typer.Exit(Exit.FAILED)


def validate(files: Files, url: Url = None, api_key: ApiKey = None, data: Data = local.FOLDER) -> None:
    """Tell everything that is wrong with definitions, and change nothing."""
    right = True
    with connected(url, api_key, data) as api:
        for name in files:
            file = read(name)
            if _valid(api, file):
                typer.echo(f"{file.name}: valid")
            else:
                right = False
    if not right:
        raise typer.Exit(Exit.FAILED)


def export(
    workflow: Name,
    format: Annotated[Literal["yaml", "json"], typer.Option(help="How it is written.")] = "yaml",
    version: Annotated[str | None, typer.Option(help="A number, a tag or `latest`; otherwise the draft.")] = None,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Write a definition to standard output."""
    with connected(url, api_key, data) as api:
        reply = api.get(f"/workflows/{segment(workflow)}/export", format=format, version=version)
    if format == "json":
        typer.echo(clean_json(reply.text), nl=False)
    else:  # a file gets every character; people get only such as they can see
        typer.echo(visible(reply.text) if sys.stdout.isatty() else reply.text, nl=False)


def diff(
    workflow: Name,
    old: Annotated[str, typer.Argument(metavar="A", help="A number, a tag, `latest` or `draft`.")],
    new: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Tell what differs from one version of a workflow to another."""
    address = f"/workflows/{segment(workflow)}/versions/{segment(old)}/diff/{segment(new)}"
    with connected(url, api_key, data) as api:
        reply = api.get(address, format="json" if as_json else "text")
    if as_json:
        typer.echo(clean_json(reply.text))
    else:
        for line in reply.text.splitlines():
            typer.echo(clean(line))


def _valid(api: Api, file: File) -> bool:
    review = api.post("/workflows/validate", content=file.text, headers=_typed(file)).read(Review)
    show_flaws(file, review.problems)
    return review.valid


def _publish(api: Api, file: File, *, tests: bool) -> bool:
    # First of all validated: a draft that cannot be published would only be in the way.
    if not _valid(api, file):
        return False
    try:
        stored = api.post("/workflows/import", content=file.text, headers=_typed(file)).read(Workflow)
        if tests:
            api.post(f"/workflows/{stored.name}/tests/run", json={})
        made = api.post(
            f"/workflows/{stored.name}/publish",
            headers={"If-Match": f'"{stored.revision}"'},
            tests="required" if tests else None,
        ).read(Publication)
    except RefusedByProblem as refused:
        show_flaws(file, refused.problem.problems or [])
        raise Refused(refused.message) from refused
    told = "published" if made.created else "unchanged"
    typer.echo(f"{stored.name}: {told}, version {made.version}")
    return True


def _typed(file: File) -> dict[str, str]:
    return {"Content-Type": file.media_type}
