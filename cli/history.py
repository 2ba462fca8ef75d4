"""The verbs that look back on executions: what took how long, what was logged, what differs; all of it as a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.executions import Id, Limit, address
from cli.history_replies import Comparison, Difference, LogLine, LogPage, Pair, Side, Timeline
from cli.outcomes import Misused
from cli.plain import clean, clean_json
from cli.server import ApiKey, Data, Url, connected

LONGEST_VALUE = 80
"""Characters of a value on a line."""

Cursor = Annotated[str | None, typer.Option(help="Where a page before has ended, as it says.")]


def timeline(
    id: Id,
    *,
    path: Annotated[
        str | None, typer.Option("--in", help="A node run with a graph inside, or one of its turns.")
    ] = None,
    attempt: Annotated[int | None, typer.Option(min=1, help="At the execution; otherwise the newest.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Show what took how long, in the order in which it began."""
    from cli.looking_back import timeline_shown

    with connected(url, api_key, data) as api:
        reply = api.get(address(id, "timeline"), path=path, attempt=attempt, limit=limit, cursor=cursor)
    tell(reply, Timeline, timeline_shown, as_json=as_json)


def logs(
    id: Id,
    *,
    path: Annotated[str | None, typer.Option("--in", help="Lines of this node run, and of all inside it.")] = None,
    level: Annotated[
        Literal["debug", "info", "warning", "error"] | None, typer.Option(help="Of this one, or a graver one.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Parts of the message; all must be there.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Show what activities and code steps of an execution wrote. With --json, a line of JSON for each."""
    cursor: str | None = None
    with connected(url, api_key, data) as api:
        while True:
            reply = api.get(address(id, "logs"), path=path, level=level, text=text, limit=500, cursor=cursor)
            page = reply.read(LogPage)
            for line in page.items:
                typer.echo(clean_json(line.model_dump_json()) if as_json else clean(_line(line)))
            if (cursor := page.next) is None:
                return


def compare(
    id: Id,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The id of another execution.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Node runs that do not differ too.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Tell what differs between two executions: what went in and came out, and node run by node run."""
    address(other)
    differing = None if everything else "true"
    with connected(url, api_key, data) as api:
        reply = api.get(address(id, "compare", other), differing=differing, limit=limit, cursor=cursor)
    tell(reply, Comparison, _comparison, as_json=as_json)


def export(
    id: Id,
    to: Annotated[Path | None, typer.Option(help="A file; otherwise standard output.", dir_okay=False)] = None,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Write an execution as one JSON document: itself, the definition of its version, node runs, events, log."""
    with connected(url, api_key, data) as api:
        if to is None:
            for text in api.texts(address(id, "export")):
                typer.echo(text, nl=False)
            return
        part = to.with_name(f"{to.name}.part")  # a file under its name is whole
        try:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(api.texts(address(id, "export")))
            part.replace(to)
        except OSError as wrong:
            raise Misused(f"{to} cannot be written: {wrong.strerror}.") from wrong
        finally:
            part.unlink(missing_ok=True)
    typer.echo(f"{id}: written to {to}")


def _line(line: LogLine) -> str:
    at = line.at.astimezone().isoformat(timespec="milliseconds")
    return f"{at} {line.level.upper():<7} {line.path} {line.message}"


def _comparison(found: Comparison) -> Iterator[str]:
    for name, each in (("one", found.one), ("other", found.other)):
        took = "" if each.seconds is None else f" in {each.seconds:.3g} s"
        error = f", {each.error_code}" if each.error_code else ""
        yield f"{name}: {each.id} {each.workflow} version {each.version}, {each.status}{took}{error}"
    yield f"differs: {', '.join(found.differs) or 'nothing'}"
    for name, differences in (("input", found.input), ("output", found.output)):
        for each in differences:
            yield f"  {name}{each.path}: {_difference(each)}"
    for pair in found.items:
        yield f"  {pair.path}: {_pair(pair)}"
    if found.next is not None:
        yield f"more: --cursor {found.next}"


def _difference(each: Difference) -> str:
    if each.cut:
        return f"{each.kind}, too large to be shown"
    match each.kind:
        case "added":
            return f"added {_value(each.after)}"
        case "removed":
            return f"removed {_value(each.before)}"
        case _:
            return f"{_value(each.before)} -> {_value(each.after)}"


def _pair(pair: Pair) -> str:
    one, other = _side(pair.one), _side(pair.other)
    if one != other:
        return f"{one} -> {other}"
    return one if pair.output in (None, "equal") else f"{one}, its output is {pair.output}"


def _side(side: Side | None) -> str:
    if side is None:
        return "(none)"
    return " ".join(word for word in (side.status, side.port, side.error_code) if word)


def _value(value: JsonValue) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
