"""Notes which processes run, and after a crash ends those that are still there.

A process id says little, since the system gives it to others later: its time of birth stands beside it."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from cli.up.folder import Folder, write

PATIENCE = 10.0


class Note(BaseModel):
    """A process that was started; it leads a process group of its own."""

    model_config = ConfigDict(frozen=True)

    pid: int
    born: str
    stop: int
    """The signal that ends it cleanly."""


def note(folder: Folder, name: str, *, pid: int, stop: signal.Signals) -> None:
    """Remember a process that has just been started."""
    at = born(pid)
    if at is not None:
        write(_file(folder, name), Note(pid=pid, born=at, stop=stop).model_dump_json())


def forget(folder: Folder, name: str) -> None:
    """It has ended."""
    _file(folder, name).unlink(missing_ok=True)


def end_leftovers(folder: Folder) -> list[str]:
    """End what an earlier `perdure up` on this folder left, and say what that was."""
    found: dict[Path, Note] = {}
    for file in sorted(folder.processes.glob("*.json")):
        with suppress(ValidationError):
            found[file] = Note.model_validate_json(file.read_text())
    alive = {file: left for file, left in found.items() if born(left.pid) == left.born}
    for left in alive.values():
        _signal(left, left.stop)
    until = time.monotonic() + PATIENCE
    for left in alive.values():
        while born(left.pid) == left.born and time.monotonic() < until:
            time.sleep(0.05)
    for left in alive.values():
        while born(left.pid) == left.born:
            _signal(left, signal.SIGKILL)
            time.sleep(0.05)
    for file in folder.processes.glob("*.json"):
        file.unlink()
    return [file.stem for file in alive]


def born(pid: int) -> str | None:
    """When a process began, as the system tells it; nothing if there is none, or if it is dead but not buried."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if state == "Z" else f"{_boot()} {fields[18]}"
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 where it lies differs
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, at = shown.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else at.strip()


def _boot() -> str:
    """Ticks are counted from here."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _file(folder: Folder, name: str) -> Path:
    return folder.processes / f"{name.replace(' ', '-')}.json"


def _signal(left: Note, number: int) -> None:
    with suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(left.pid, number)
        else:
            os.kill(left.pid, number)
