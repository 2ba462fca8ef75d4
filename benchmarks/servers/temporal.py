"""Temporal's development server, tuned for short steps and kept in a file, as in production a database would."""

import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.processes import LOOPBACK, ChildFailed, child, free_ports, listening

SETTINGS = (
    "history.transferProcessorMaxPollRPS=5000",
    "history.timerProcessorMaxPollRPS=5000",
    "history.visibilityProcessorMaxPollRPS=5000",
    "history.outboundProcessorMaxPollRPS=5000",
    'history.timerProcessorMaxTimeShift="10ms"',
    'history.workflowIdReuseMinimalInterval="10ms"',
)
"""The defaults read 20 tasks a second and fire timers a second late: they would hide every difference."""
PRAGMAS = ("journal_mode=wal", "synchronous=normal")


@asynccontextmanager
async def temporal(folder: Path) -> AsyncGenerator[str]:
    """Run one server; gives its address."""
    (port,) = free_ports(1)
    command = [binary(), "server", "start-dev", "--headless", "--ip", LOOPBACK, "--port", str(port)]
    command += ["--db-filename", str(folder / "temporal.db"), "--log-level", "error"]
    command += [word for setting in SETTINGS for word in ("--dynamic-config-value", setting)]
    command += [word for pragma in PRAGMAS for word in ("--sqlite-pragma", pragma)]
    async with child(command, folder / "temporal.log") as running:
        await listening(port, running)
        yield f"{LOOPBACK}:{port}"


def binary() -> str:
    """The server that comes with the locked packages."""
    found = shutil.which("temporal", path=str(Path(sys.executable).parent))
    if found is None:
        raise ChildFailed("There is no `temporal` beside this Python: install the development dependencies.")
    return found
