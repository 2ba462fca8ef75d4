"""The verb that rebuilds what is stored of executions from Temporal's history."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, NoReturn

import typer

from cli import local
from cli.executions import ID
from cli.outcomes import Exit, Misused, Unreachable
from cli.plain import clean
from cli.server import Data
from dag.errors import PerdureError
from runtime.rebuilding import AT_ONCE, LINE, SHOWN, Asked, Differs, Found, Total, Trouble

KINDS = {"missing": "is missing", "false": "should not be there", "other": "differs in"}
FINE = frozenset({"same", "rebuilt"})
DATABASE = "PERDURE_DATABASE_URL"


class RebuildFailed(PerdureError):
    """The process that rebuilds has ended early."""

    code = "cli.rebuild"


def rebuild(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Executions.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that the tables or Temporal know.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: tell what differs; the exit status is 1 if anything does.")
    ] = False,
    workflow: Annotated[str | None, typer.Option(help="With --all, only executions of this one.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="ID", help="Only executions of this tenant.")] = None,
    rows: Annotated[int, typer.Option(min=0, max=100_000, help="Rows told of each execution.")] = SHOWN,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Executions side by side.")] = AT_ONCE,
    as_json: Annotated[bool, typer.Option("--json", help="Write a line of JSON for each execution.")] = False,
    data: Data = local.FOLDER,
) -> None:
    """Make what is stored of executions anew from Temporal's history, or check it. It runs where a worker could."""
    asked = Asked(
        executions=_ids(ids or [], everything=everything, workflow=workflow),
        all=everything,
        tenant=tenant,
        workflow=workflow,
        check=check,
        shown=rows,
        at_once=at_once,
    )
    said = _asking(asked, _environment(data))
    for line in said:
        if as_json:
            typer.echo(line.model_dump_json())
        elif isinstance(line, Found) and (line.outcome != "same" or not everything):
            _told(line)
        match line:
            case Found():
                pass
            case Trouble():
                raise _trouble(line)
            case Total():
                _ended(line, everything=everything, as_json=as_json)
    raise RebuildFailed("The process that rebuilds has ended early; what it wrote above says why.")


def _ids(ids: list[str], *, everything: bool, workflow: str | None) -> list[str]:
    if everything == bool(ids):
        raise Misused("Name executions, or say --all.")
    if workflow is not None and (not everything or '"' in workflow or "\\" in workflow):
        raise Misused("--workflow takes the name of a workflow, and goes with --all.")
    for id in ids:
        if ID.fullmatch(id) is None:
            raise Misused(f"`{id}` is no id of an execution. `perdure ls` lists them.")
    return ids


def _environment(data: os.PathLike[str]) -> Mapping[str, str]:
    """That of a process of the installation: as this one has it, or as the local stack gives it to its own."""
    if DATABASE in os.environ:
        return os.environ
    here = local.read(local.Path(data) / local.SETTINGS)
    return os.environ if here is None else {**os.environ, **json.loads(here)}


def _asking(asked: Asked, environment: Mapping[str, str]) -> Iterator[Found | Total | Trouble]:
    # -P: whatever lies in the folder that this is typed in is no part of it.
    line = [sys.executable, "-P", "-m", "worker.rebuild", asked.model_dump_json()]
    with subprocess.Popen(line, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        for answer in process.stdout:
            yield LINE.validate_json(answer)


def _told(found: Found) -> None:
    note = found.message or f"{found.events:,} events"
    typer.echo(clean(f"{found.execution} {found.outcome}: {note}"))
    for each in found.differences:
        typer.echo(clean(f"    {_row(each)}"))
    if found.more:
        typer.echo(f"    and {found.more:,} more rows (--rows tells more)")
    if found.left:
        typer.echo(clean(f"    Temporal does not know {len(found.left):,} of its batches: {', '.join(found.left[:3])}"))


def _row(each: Differs) -> str:
    return f"{each.table}, {each.row} {KINDS[each.kind]} {', '.join(each.columns)}".rstrip()


def _ended(total: Total, *, everything: bool, as_json: bool) -> NoReturn:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in total.outcomes.items()) or "none"
    if not as_json:
        executions = sum(total.outcomes.values())
        typer.echo(f"{executions:,} executions ({counts}), {total.events:,} events in {total.seconds:.1f} s")
    # Of all that there are, some are older than what Temporal keeps.
    good = FINE | {"forgotten"} if everything else FINE
    raise typer.Exit(Exit.OK if total.outcomes.keys() <= good else Exit.FAILED)


def _trouble(line: Trouble) -> PerdureError:
    return Unreachable(line.message) if line.code == "unreachable" else RebuildFailed(line.message)
