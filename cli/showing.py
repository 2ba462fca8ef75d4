"""Writes workflows and executions for people to read."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.plain import clean, clean_json
from cli.replies import Execution, NodeRun, Stats, Workflow

MARKS = {
    "succeeded": "✓",
    "reused": "✓",
    "failed": "✗",
    "waiting": "…",
    "skipped": "-",
    "cancelled": "■",
    "timed_out": "✗",
}
STYLES = {
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "timed_out": "red",
    "waiting": "yellow",
    "cancelled": "yellow",
    "skipped": "dim",
    "reused": "dim",
}
_PIPE_WIDTH = 200


def workflows_shown(rows: Sequence[Workflow]) -> None:
    """A line for each workflow."""
    table = headed("NAME", "VERSION", "CHANGED", "TITLE")
    for row in rows:
        version = "draft" if row.version is None else str(row.version)
        table.add_row(row.name, version, _moment(row.updated_at), Text(clean(row.title or "")))
    print_table(table)


def executions_shown(rows: Sequence[Execution]) -> None:
    """A line for each execution."""
    table = headed("ID", "WORKFLOW", "VERSION", "STATUS", "STARTED", "TOOK")
    for row in rows:
        took = seconds(row.closed_at - row.started_at) if row.closed_at else ""
        status = Text(row.status, STYLES.get(row.status, ""))
        table.add_row(row.id, row.workflow, str(row.version), status, _moment(row.started_at), took)
    print_table(table)


def execution_shown(row: Execution, nodes: Sequence[NodeRun], *, more: bool) -> None:
    """An execution, and a line for each of its node runs."""
    took = f" in {seconds(row.closed_at - row.started_at)}" if row.closed_at else ""
    typer.echo(f"{row.id} {row.workflow} version {row.version}")
    typer.echo(f"{row.status}{took}, started {_moment(row.started_at)}, attempt {row.attempt}")
    if row.parent_execution is not None:
        typer.echo(clean(f"started by {row.parent_execution} at {row.parent_path}"))
    table = headed("NODE", "TYPE", "STATUS", "TOOK", "ERROR")
    for node in nodes:
        took = seconds(node.ended_at - node.started_at) if node.started_at and node.ended_at else ""
        error = "" if node.error is None else clean(f"{node.error.code}: {node.error.message}")
        status = Text(node.status, STYLES.get(node.status, ""))
        table.add_row(Text(node.path), node.type or "", status, took, Text(error))
    print_table(table)
    if more:
        typer.echo("There are more node runs than these.")
    if row.closed_at:
        for line in ending(row)[1:]:
            typer.echo(line)


def stats_shown(stats: Stats) -> None:
    """A line for each workflow and each error, the most frequent first."""
    table = headed("WORKFLOW", "STARTED", "ENDED", "SUCCEEDED", "FAILED", "RATE")
    for name, row in [*((row.workflow, row) for row in stats.workflows), ("(all)", stats.total)]:
        failed = row.by_status.get("failed", 0) + row.by_status.get("timed_out", 0)
        rate = "" if row.success_rate is None else f"{row.success_rate:.1%}"
        ended = [row.started, row.closed, row.by_status.get("succeeded", 0), failed]
        table.add_row(Text(clean(name)), *map(str, ended), rate)
    print_table(table)
    codes = sorted((-each.count, each.code) for family in stats.errors for each in family.codes)
    if codes:
        errors = headed("ERROR", "EXECUTIONS")
        for count, code in codes:
            errors.add_row(Text(clean(code)), str(-count))
        print_table(errors)


def ending(execution: Execution) -> list[str]:
    """What came of an execution."""
    took = f" in {seconds(execution.closed_at - execution.started_at)}" if execution.closed_at else ""
    lines = [f"{execution.status}{took}"]
    if execution.error is not None:
        at = f" at {execution.error.path}" if execution.error.path else ""
        lines.append(clean(f"{execution.error.code}{at}: {execution.error.message}"))
    elif execution.output is not None:
        lines.append(clean_json(orjson.dumps(execution.output, option=orjson.OPT_INDENT_2).decode()))
    return lines


def seconds(time: timedelta) -> str:
    """A length of time in few characters."""
    total = max(time.total_seconds(), 0.0)
    if total < 0.9995:
        return f"{total * 1000:.0f} ms"
    if total < 60:
        return f"{total:.2f} s"
    minutes, rest = divmod(int(total), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def headed(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(made: Table) -> None:
    """Write it, in full where nobody looks."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(made)
