"""Shows an execution while it runs: a table that changes on a terminal, lines elsewhere."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.plain import clean
from cli.progress import Progress, Step
from cli.replies import Execution
from cli.showing import MARKS, STYLES, ending, seconds

ROWS_LEFT = 6
"""Lines of the terminal that are not steps."""


class Display(Protocol):
    """Is told what happens."""

    def step(self, progress: Progress, step: Step) -> None:
        """A step has changed."""
        ...

    def end(self, progress: Progress, execution: Execution) -> None:
        """The execution has ended."""
        ...


@contextmanager
def display(started: Execution, *, quiet: bool) -> Generator[Display]:
    """Choose how to show it, and show it for as long as this lasts."""
    if quiet:
        yield Silence()
    elif sys.stdout.isatty():
        console = Console(highlight=False)
        with Live(console=console, refresh_per_second=8, transient=False) as live:
            yield Moving(started, console, live)
    else:
        typer.echo(f"{started.id} {started.workflow} version {started.version}")
        yield Lines()


class Silence:
    """Says nothing."""

    def step(self, progress: Progress, step: Step) -> None:
        """A step has changed."""

    def end(self, progress: Progress, execution: Execution) -> None:
        """The execution has ended."""


class Lines:
    """A line for everything that happens."""

    def step(self, progress: Progress, step: Step) -> None:
        """Write what became of it."""
        at = step.ended or step.began or datetime.now(UTC)
        lasted = "" if step.lasted is None else f" {seconds(step.lasted)}"
        error = "" if step.error is None else f" {step.error.code}: {step.error.message}"
        typer.echo(clean(f"{at.astimezone():%H:%M:%S} {step.status:<9} {step.path}{lasted}{error}"))

    def end(self, progress: Progress, execution: Execution) -> None:
        """Write what came of it all."""
        for line in ending(execution):
            typer.echo(line)


class Moving:
    """A table of the steps, as many as fit; those that have ended long ago go first."""

    def __init__(self, started: Execution, console: Console, live: Live):
        self._started = started
        self._console = console
        self._live = live
        self._progress = Progress()
        live.get_renderable = self._table  # asked eight times a second, so that times go on

    def step(self, progress: Progress, step: Step) -> None:
        """Show it the next time."""
        self._progress = progress

    def end(self, progress: Progress, execution: Execution) -> None:
        """Let the last picture stand, and write what came of it all."""
        self._progress = progress
        self._live.stop()
        for line in ending(execution):
            self._console.print(Text(line, STYLES.get(execution.status, "")))

    def _table(self) -> RenderableType:
        steps = list(self._progress.steps.values())
        room = max(self._console.size.height - ROWS_LEFT, 3)
        shown = steps if len(steps) <= room else _latest(steps, room)
        table = Table.grid(padding=(0, 2))
        for step in shown:
            table.add_row(_mark(step), Text(clean(step.path)), Text(step.type, "dim"), _time(step), _error(step))
        hidden = len(steps) - len(shown)
        head = Text(f"{self._started.workflow} version {self._started.version}  {self._started.id}", "bold")
        above = [Text(f"… {hidden} more steps", "dim")] if hidden else []
        return Group(head, *above, table)


def _latest(steps: list[Step], room: int) -> list[Step]:
    going = [step for step in steps if step.ended is None][-room:]
    rest = room - len(going)
    ended = [step for step in steps if step.ended is not None][-rest:] if rest else []
    wanted = {step.path for step in (*going, *ended)}
    return [step for step in steps if step.path in wanted]


def _mark(step: Step) -> RenderableType:
    style = STYLES.get(step.status, "")
    return Spinner("dots", style=style) if step.status == "running" else Text(MARKS.get(step.status, "?"), style)


def _time(step: Step) -> Text:
    if step.lasted is not None:
        return Text(seconds(step.lasted), "dim")
    return Text(seconds(datetime.now(UTC) - step.began) if step.began else step.status)


def _error(step: Step) -> Text:
    return Text("" if step.error is None else clean(f"{step.error.code}: {step.error.message}"), "red")
