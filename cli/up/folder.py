"""The folder of a local stack: data, keys, logs, and a lock that lasts as long as the process that holds it."""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cli.local import ADMIN_KEY, SETTINGS, URL
from cli.up.ports import free_port, taken
from dag.errors import PerdureError


class FolderInUse(PerdureError):
    """Another `perdure up` runs on the same folder."""

    code = "up.folder_in_use"


class FolderUnusable(PerdureError):
    """The folder cannot hold a local stack."""

    code = "up.folder_unusable"


class PostgresAccess(BaseModel):
    """Where PostgreSQL listens, and the passwords of its roles."""

    model_config = ConfigDict(frozen=True)

    port: int
    superuser: str
    migrator: str
    app: str


@dataclass(frozen=True)
class Folder:
    """A folder that this process has claimed."""

    path: Path

    @property
    def postgres(self) -> Path:
        """The cluster of PostgreSQL."""
        return self.path / "postgres"

    @property
    def temporal(self) -> Path:
        """The database of Temporal's development server."""
        return self.path / "temporal.db"

    @property
    def logs(self) -> Path:
        """What the processes wrote."""
        return self.path / "logs"

    @property
    def processes(self) -> Path:
        """Which processes run, for a start after a crash."""
        return self.path / "processes"

    @property
    def master_key(self) -> Path:
        """The key that everything is encrypted under."""
        return self.path / "master.key"

    @property
    def admin_key(self) -> Path:
        """The first tenant's API key."""
        return self.path / ADMIN_KEY

    @property
    def url(self) -> Path:
        """Where the API is, for the other commands."""
        return self.path / URL

    @property
    def settings(self) -> Path:
        """What the environment of its processes says, for commands that are such a process."""
        return self.path / SETTINGS


@contextmanager
def claimed(path: Path) -> Generator[Folder]:
    """Make the folder unless it is there, and hold it for as long as this lasts. Only its owner may look into it."""
    folder = Folder(path.absolute())
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.path.stat().st_uid != os.geteuid():
            raise FolderUnusable(f"{path} belongs to another user. Choose another folder with --data.")
        folder.path.chmod(0o700)
        for part in (folder.logs, folder.processes):
            part.mkdir(mode=0o700, exist_ok=True)
        lock = (folder.path / "lock").open("a+")
    except OSError as wrong:
        raise FolderUnusable(f"{path} cannot be used: {wrong.strerror}. Choose another folder with --data.") from wrong
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise FolderInUse(
                f"`perdure up` runs on {path} already, as process {lock.read().strip()}. Stop it, or choose another"
                " folder with --data (and other ports)."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield folder


def kept(path: Path, make: Callable[[], str]) -> str:
    """Read a secret; the first time, make it."""
    if not path.exists():
        write(path, make() + "\n")
    return path.read_text().strip()


def write(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def postgres_access(folder: Folder) -> PostgresAccess:
    """Read the passwords, made the first time. The port is the one of last time unless somebody else has it now."""
    file = folder.path / "postgres.json"
    made = {"port": free_port(), **{role: secrets.token_urlsafe(24) for role in ("superuser", "migrator", "app")}}
    try:
        access = PostgresAccess.model_validate_json(kept(file, lambda: json.dumps(made)))
    except ValidationError:
        raise FolderUnusable(f"{file} is damaged: the passwords of PostgreSQL stand in it.") from None
    if taken(access.port):
        access = access.model_copy(update={"port": free_port()})
        write(file, access.model_dump_json() + "\n")
    return access
