"""Tells what a lasting attempt logs, and how far it has come, while it runs."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

EVERY = 0.5
"""Seconds that lines wait for others."""
PROGRESS_EVERY = 1.0
PROGRESS_SHARE = 0.01
"""Of its time so far an attempt keeps quiet between two reports, so that a day of reports is a thousand lines."""
MESSAGE = 1_000


class Live:
    """A timer that runs only while there is something to tell; it can be stirred from any thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lines: Callable[[], None],
        progress: Callable[[float, float | None, str], None],
    ):
        self._loop = loop
        self._send_lines = lines
        self._send_progress = progress
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._began = time.monotonic()
        self._report: tuple[float, float | None, str] | None = None
        self._quiet_until = 0.0

    def progress(self, fraction: float | None, message: str) -> None:
        """Take how far it has come; only the newest counts."""
        self._report = (time.time(), fraction, message[:MESSAGE])
        self.stir()

    def stir(self) -> None:
        """There is something to tell."""
        if _running_loop() is self._loop:
            self._arm()
        else:
            with suppress(RuntimeError):  # the loop has closed: nobody is left to tell
                self._loop.call_soon_threadsafe(self._arm)

    def stop(self) -> None:
        """The attempt has ended; its last lines go with its record."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._report is not None:
            self._send_progress(*self._report)
            self._report = None

    def _arm(self) -> None:
        if self._timer is None and not self._stopped:
            self._timer = self._loop.call_later(EVERY, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._send_lines()
        if self._report is None:
            return
        now = time.monotonic()
        if now < self._quiet_until:
            self._arm()
            return
        self._quiet_until = now + max(PROGRESS_EVERY, PROGRESS_SHARE * (now - self._began))
        report, self._report = self._report, None
        self._send_progress(*report)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
