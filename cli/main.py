"""The command `perdure`."""

import sys
from collections.abc import Iterator
from io import TextIOWrapper

import typer

from cli import (
    again,
    cache,
    debugging,
    dependencies,
    events,
    executions,
    history,
    rebuild,
    services,
    stats,
    steering,
    tasks,
    testing,
    why,
    workflows,
)
from cli.outcomes import Exit, exit_status
from cli.plain import clean
from cli.replies import RefusedByProblem
from dag.errors import PerdureError

EPILOG = """Exit status: 0 succeeded, 1 failed, 2 wrong usage, 3 cancelled, 4 timed out, 5 the server does not answer
or asks to come back later, 6 the server refuses, 130 stopped following."""

app = typer.Typer(
    name="perdure",
    help="Durable workflows: run them here, and see what they do.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (
    services.up,
    services.api,
    services.worker,
    services.migrate,
    services.recount,
    rebuild.rebuild,
    services.key,
):
    app.command(rich_help_panel="Processes")(verb)
for verb in (workflows.apply, workflows.validate, workflows.export, workflows.diff):
    app.command(rich_help_panel="Workflows")(verb)
app.command("test", rich_help_panel="Workflows")(testing.rehearse)
for verb in (
    executions.run,
    executions.follow,
    executions.ls,
    executions.show,
    history.logs,
    history.timeline,
    history.compare,
    why.why,
    executions.cancel,
    stats.stats,
):
    app.command(rich_help_panel="Executions")(verb)
for verb in (
    steering.pause,
    steering.resume,
    steering.skip,
    steering.assign,
    steering.terminate,
    again.retry,
    again.rerun,
    again.rollback,
):
    app.command(rich_help_panel="Executions")(verb)
for name, verbs, told in (
    ("cache", (cache.ls, cache.show, cache.warm, cache.rm), "Outputs that nodes use again."),
    ("dependencies", (dependencies.ls, dependencies.put, dependencies.check, dependencies.rm), "What waits for what."),
    ("events", (events.send,), "Events for all who wait for them."),
    ("executions", (executions.signal, history.export), "Events for one execution, and all of it as a file."),
    ("tasks", (tasks.show, tasks.decide), "What is asked of people."),
):
    group = typer.Typer(name=name, help=told, no_args_is_help=True, rich_markup_mode=None)
    group.callback()(lambda: None)  # or its only verb would take its place
    for verb in verbs:
        group.command()(verb)
    app.add_typer(group, rich_help_panel="Executions")
debug = typer.Typer(name="debug", help="Breakpoints and steps.", no_args_is_help=True, rich_markup_mode=None)
for verb in (
    debugging.enable,
    debugging.disable,
    debugging.step,
    debugging.clear,
    debugging.state,
    debugging.variables,
):
    debug.command()(verb)
debug.command(name="break")(debugging.set_breakpoint)
app.add_typer(debug, rich_help_panel="Executions")


def main() -> int:
    """Run one command; the answer is the exit status."""
    for stream in (sys.stdout, sys.stderr):  # what a terminal cannot show is no reason to fail
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    out = sys.stdout
    try:
        app(prog_name="perdure")
    except PerdureError as wrong:
        for line in _told(wrong):
            sys.stderr.write(line + "\n")
        return exit_status(wrong)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SystemExit:
        if sys.stdout is out:
            raise
        # Typer has taken it away: who reads has enough, as `head` has, and that is no failure.
    return Exit.OK


def _told(wrong: PerdureError) -> Iterator[str]:
    yield from (clean(f"perdure: {line}") for line in wrong.message.split("\n"))
    if isinstance(wrong, RefusedByProblem):
        for flaw in wrong.problem.problems or []:
            yield clean(f"    {flaw.path or '/'}: {flaw.message}" + (f" {flaw.hint}" if flaw.hint else ""))


if __name__ == "__main__":
    sys.exit(main())
