"""The verbs that run something here: the local stack, or one process of an installation."""

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import local


def up(
    data: Annotated[Path, typer.Option(help="The folder that everything is kept in.", envvar="PERDURE_DATA")] = (
        local.FOLDER
    ),
    port: Annotated[int, typer.Option(min=1, max=65_535, help="The API's port.")] = 8080,
    temporal_port: Annotated[int, typer.Option(min=1, max=65_535, help="Temporal's port.")] = 7233,
    temporal_ui_port: Annotated[int, typer.Option(min=1, max=65_535, help="The port of Temporal's Web UI.")] = 8233,
    workers: Annotated[int, typer.Option(min=0, max=64, help="How many worker processes.")] = 1,
) -> None:
    """Run everything on this machine: database, Temporal, API and workers. Ctrl-C stops it; its data stays."""
    from cli.up.command import up
    from cli.up.stack import Options

    up(Options(data, port, temporal_port, temporal_ui_port, workers))


def api() -> None:
    """Run an API process; its settings are the PERDURE_ variables of the environment."""
    _become("api")


def worker() -> None:
    """Run a worker process; its settings are the PERDURE_ variables of the environment."""
    _become("worker")


def migrate() -> None:
    """Bring the database to the newest version, as the role of PERDURE_MIGRATION_URL."""
    from cli.outcomes import Misused
    from runtime.settings import read
    from store.migrate import migrate

    url = read().migration_url
    if url is None:
        raise Misused("Set PERDURE_MIGRATION_URL: postgresql://perdure_migrator:password@host:5432/perdure")
    migrate(url.get_secret_value())
    typer.echo("The database is at the newest version.")


def recount() -> None:
    """Count the sums behind analytics anew from executions, node runs and attempts, where somebody doubts them."""
    import asyncio

    from runtime.recounting import recount
    from runtime.settings import read

    typer.echo(f"The sums of {asyncio.run(recount(read()))} tenants have been counted anew.")


def key() -> None:
    """Make a master key, for PERDURE_MASTER_KEY or the file of PERDURE_MASTER_KEY_FILE. Keep it well."""
    from store.sealing import new_master_key

    typer.echo(new_master_key())


def _become(module: str) -> None:
    sys.argv = [sys.argv[0]]  # the verb is not an argument of what runs now
    runpy.run_module(module, run_name="__main__", alter_sys=False)
