"""Says how to run a Temporal development server of one's own, tuned so that it is as quick as a real one."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from dag.errors import PerdureError

TUNING: Mapping[str, str] = {
    # The defaults let a development server read 20 tasks a second, and round timers up to a second.
    "history.transferProcessorMaxPollRPS": "5000",
    "history.timerProcessorMaxPollRPS": "5000",
    "history.visibilityProcessorMaxPollRPS": "5000",
    "history.outboundProcessorMaxPollRPS": "5000",
    "history.timerProcessorMaxTimeShift": '"10ms"',
    # A run that continues as new within its first second would wait for the rest of it.
    "history.workflowIdReuseMinimalInterval": '"10ms"',
    "matching.enableFairness": "true",
    # With more than 100 events waiting for a workflow task to end, the server would fail that task to let them in: of a
    # fan-out of 500 activities every third one, so that it took three times as long (measured).
    "history.maximumBufferedEventsBatch": "5000",
}


class TemporalMissing(PerdureError):
    """Temporal's development server is not installed beside this Python; `make setup` installs it."""

    code = "temporal.missing"


def command(
    port: int,
    *,
    database: Path | None = None,
    ui_port: int | None = None,
    codec_endpoint: str | None = None,
    log_level: str = "never",
) -> list[str]:
    """How to run the server in the foreground; with a database it survives its own death."""
    line = [_binary(), *f"server start-dev --ip 127.0.0.1 --port {port} --log-level {log_level}".split()]
    if ui_port is None:
        line.append("--headless")
    else:
        line += ["--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    if codec_endpoint is not None:
        line += ["--ui-codec-endpoint", codec_endpoint]
    if database is not None:
        # The default pragmas make every step twice as slow; these survive the death of the process too.
        line += ["--db-filename", str(database)]
        line += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
    for name, value in TUNING.items():
        line += ["--dynamic-config-value", f"{name}={value}"]
    return line


def _binary() -> str:
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent))
    if binary is None:
        raise TemporalMissing
    return binary
