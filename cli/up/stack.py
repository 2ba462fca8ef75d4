"""What a local stack consists of, in the order in which it starts."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.up.folder import Folder, PostgresAccess
from cli.up.ports import LOOPBACK
from cli.up.supervised import Program
from runtime import local_postgres, local_temporal
from store.roles import APP, MIGRATOR

DATABASE = "perdure"
WORKER_GRACE = 3
"""Seconds that activities which run have to end when the stack stops, unless the environment says otherwise."""


@dataclass(frozen=True)
class Options:
    """What `perdure up` can be told."""

    data: Path
    port: int
    temporal_port: int
    temporal_ui_port: int
    workers: int

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def temporal_ui_url(self) -> str:
        """Where Temporal's Web UI answers."""
        return f"http://{LOOPBACK}:{self.temporal_ui_port}"


def postgres(folder: Folder, access: PostgresAccess) -> Program:
    """The database."""

    def line() -> Sequence[str]:
        local_postgres.prepare(folder.postgres, password=access.superuser)
        return local_postgres.command(folder.postgres, access.port)

    return Program("postgres", line, stop=signal.SIGINT, kill=signal.SIGQUIT, orphaned=signal.SIGINT, grace=10.0)


def temporal(folder: Folder, options: Options) -> Program:
    """Temporal's development server and its Web UI."""
    line = local_temporal.command(
        options.temporal_port,
        database=folder.temporal,
        ui_port=options.temporal_ui_port,
        codec_endpoint=f"{options.url}/api/v1/codec",
        log_level="error",
    )
    return Program("temporal", lambda: line)


def settings(folder: Folder, access: PostgresAccess, options: Options) -> dict[str, str]:
    """What the environment of every process of Perdure says."""
    return {
        "PERDURE_DATABASE_URL": local_postgres.url(access.port, user=APP, password=access.app, database=DATABASE),
        "PERDURE_MASTER_KEY_FILE": str(folder.master_key),
        "PERDURE_TEMPORAL_ADDRESS": f"{LOOPBACK}:{options.temporal_port}",
        "PERDURE_TEMPORAL_UI_URL": options.temporal_ui_url,
        "PERDURE_API_HOST": LOOPBACK,
        "PERDURE_API_PORT": str(options.port),
        "PERDURE_GRACEFUL_SHUTDOWN": os.environ.get("PERDURE_GRACEFUL_SHUTDOWN", str(WORKER_GRACE)),
        "PYTHONUNBUFFERED": "1",
    }


def services(options: Options, env: Mapping[str, str]) -> tuple[Program, list[Program]]:
    """The API, and the workers."""
    api = Program("api", lambda: _perdure("api"), env)
    workers = [
        Program(f"worker {number}", lambda: _perdure("worker"), env, grace=WORKER_GRACE + 4.0)
        for number in range(1, options.workers + 1)
    ]
    return api, workers


def superuser_url(access: PostgresAccess) -> str:
    """The database server, as the one who may make roles."""
    return local_postgres.url(
        access.port, user=local_postgres.SUPERUSER, password=access.superuser, database="postgres"
    )


def migrator_url(access: PostgresAccess) -> str:
    """The database, as the one who may change its tables."""
    return local_postgres.url(access.port, user=MIGRATOR, password=access.migrator, database=DATABASE)


def _perdure(role: str) -> Sequence[str]:
    """So that lists of processes show what each is."""
    return [sys.executable, str(Path(sys.executable).with_name("perdure")), role]
