"""A real local stack, started as people start it, on ports and in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from tests.temporal import free_port

PERDURE = str(Path(sys.executable).with_name("perdure"))
PATIENCE = 100.0


class LocalStack:
    """`perdure up`, which can be killed and started again."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None):
        self._settings = settings or {}
        self.data = folder / "data"
        self.port, self.temporal_port, self.ui_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = folder / "said.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def line(self) -> list[str]:
        """How it is started."""
        ports = ["--port", self.port, "--temporal-port", self.temporal_port, "--temporal-ui-port", self.ui_port]
        return [PERDURE, "up", "--data", str(self.data), *map(str, ports)]

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(self.line, stdout=said, stderr=said, env=self._environment)
        until(lambda: "Perdure is ready." in self.said.read_text() or not self.up, self.said)
        assert self.up, self.said.read_text()

    @property
    def up(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its end."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def pids(self) -> dict[str, int]:
        """Its processes by name."""
        pids: dict[str, int] = {}
        for file in (self.data / "processes").glob("*.json"):
            with suppress(FileNotFoundError):  # one that has just ended
                pids[file.stem] = json.loads(file.read_text())["pid"]
        return pids

    def ready(self) -> bool:
        """Whether everything answers."""
        try:
            return httpx2.get(f"{self.url}/api/v1/health/ready", timeout=5).is_success
        except httpx2.HTTPError:
            return False

    def perdure(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command against it."""
        env = {**self._environment, "PERDURE_DATA": str(self.data)}
        return subprocess.run(
            [PERDURE, *arguments], env=env, input=given, capture_output=True, text=True, timeout=60, check=False
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {**environment(), **self._settings}


@contextmanager
def running(folder: Path, settings: Mapping[str, str] | None = None) -> Generator[LocalStack]:
    """A stack that is ready, for as long as this lasts."""
    stack = LocalStack(folder, settings)
    try:
        stack.start()
        yield stack
    finally:
        if stack.up:
            stack.end()


def environment() -> dict[str, str]:
    """The environment without settings that somebody may have."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}


def until(good: Callable[[], bool], said: Path | None = None) -> None:
    """Wait for something that comes sooner or later."""
    limit = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < limit, said.read_text() if said else "it never came"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead but not buried does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
