"""What is learnt while an attempt runs, and wanted however it ends."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from types import MappingProxyType

from dag.strands import StrandId
from worker.live import Live
from worker.log_lines import AttemptLogger, LogLines
from worker.output import clean
from worker.records import Lines, LogLine, Progress
from worker.redaction import Redaction
from worker.sink import Sink
from worker.usage import Usage

_NOTHING: Mapping[str, float] = MappingProxyType({})
_making = threading.Lock()
"""Two threads of an attempt may log their first lines at once."""


class Notes:
    """Made in the attempt's own task. Most attempts tell nothing while they run: what that takes is made when it is
    first wanted."""

    __slots__ = (
        "_lines",
        "_live",
        "_logger",
        "_loop",
        "_path",
        "_sink",
        "_usage",
        "_whose",
        "attempt",
        "cached",
        "cpu_seconds",
        "redaction",
        "stored",
    )

    def __init__(self, whose: StrandId, path: str, attempt: int, sink: Sink):
        self._whose = whose
        self._path = path
        self.attempt = attempt
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._live: Live | None = None
        self._lines: LogLines | None = None
        self._logger: AttemptLogger | None = None
        self.redaction = Redaction()
        self._usage: Usage | None = None
        self.cpu_seconds = 0.0
        self.cached: bool | None = None
        """Whether nothing ran, as the output was stored before; None: it was not looked for."""
        self.stored: str | None = None
        """The stored output that was used."""

    @property
    def logger(self) -> logging.Logger:
        """Writes into the attempt's lines; from any thread."""
        with _making:
            if self._logger is None:
                self._lines = LogLines(self.redaction)
                self._logger = AttemptLogger(self._lines, self._told_live().stir)
            return self._logger

    def computed(self, seconds: float) -> None:
        """So much processor time was used."""
        if seconds > 0:
            self.cpu_seconds += seconds

    def cost(self, unit: str, amount: float) -> None:
        """So much of a unit was used up. Raises ValueError."""
        if self._usage is None:
            self._usage = Usage()
        self._usage.cost(unit, amount)

    @property
    def costs(self) -> Mapping[str, float]:
        """What was used up, by unit."""
        return _NOTHING if self._usage is None else self._usage.costs()

    def progress(self, fraction: float | None, message: str) -> None:
        """Take how far it has come."""
        with _making:
            live = self._told_live()
        live.progress(fraction, message)

    def last_lines(self) -> tuple[tuple[LogLine, ...], int]:
        """What was logged and not told before, and how many lines were dropped."""
        return ((), 0) if self._lines is None else (self._lines.drain(last=True), self._lines.dropped)

    def stop(self) -> None:
        """The attempt has ended; its last lines go with its record."""
        if self._live is not None:
            self._live.stop()

    def _told_live(self) -> Live:
        if self._live is None:
            self._live = Live(self._loop, self._tell_lines, self._tell_progress)
        return self._live

    def _tell_lines(self) -> None:
        if self._lines is not None and (said := self._lines.drain()):
            self._sink.told(Lines(self._whose.tenant, self._whose.execution, self._path, self.attempt, said))

    def _tell_progress(self, at: float, fraction: float | None, message: str) -> None:
        shown = str(clean(message, self.redaction))
        self._sink.told(
            Progress(self._whose.tenant, self._whose.execution, self._path, self.attempt, at, fraction, shown)
        )
