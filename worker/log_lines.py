"""The log of one attempt: lines as `logging` makes them, bounded, and without secrets once they leave."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import cast

import orjson
from pydantic import JsonValue

from activities.errors import PayloadTooLarge
from worker.output import clean
from worker.records import Level, LogLine
from worker.redaction import Redaction

AT_ONCE = 200
"""Lines that an attempt may write in a burst."""
PER_SECOND = 20
"""How fast its share grows again."""
AT_MOST = 2_000
"""Lines of one attempt, however long it lasts."""
LINE = 4_096
"""Characters of a line."""
LOOKED_THROUGH = 1024 * 1024
"""Characters of a message that are searched for secrets before it is cut: a cut may leave half a secret."""
FIELDS = 4_096
"""Bytes of what is logged beside the message, as JSON."""
_STEP = 1e-6
"""Two lines never have the same time: it keeps them apart, and in order."""
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every log record has; the rest came by `extra`."""


class LogLines:
    """Takes lines from any thread, never waits and never fails; what is beyond the attempt's share is counted."""

    def __init__(self, redact: Redaction):
        self._redact = redact
        self._lock = threading.Lock()
        self._lines: list[LogLine] = []
        self._share = float(AT_ONCE)
        self._taken = 0
        self._last = 0.0
        self.dropped = 0

    def take(self, level: Level, message: str, fields: Mapping[str, object] | None = None) -> None:
        """Take one line, unless there are many already."""
        now = time.time()
        with self._lock:
            self._share = min(AT_ONCE, self._share + max(0.0, now - self._last) * PER_SECOND) if self._last else AT_ONCE
            self._last = at = max(now, self._last + _STEP)
            if self._share < 1 or self._taken >= AT_MOST:
                self.dropped += 1
                return
            self._share -= 1
            self._taken += 1
            told = self._redact(_text(message[:LOOKED_THROUGH]))[:LINE]
            self._lines.append(LogLine(at, level, told, _json(fields) if fields else None))

    def drain(self, *, last: bool = False) -> tuple[LogLine, ...]:
        """Give what has come since, without what is known now to be secret. The last time it says what was dropped."""
        with self._lock:
            lines, self._lines = self._lines, []
            if last and self.dropped:
                self._last = max(time.time(), self._last + _STEP)
                message = f"{self.dropped} more lines were dropped: an attempt may write {AT_ONCE} at once,"
                message += f" {PER_SECOND} a second, {AT_MOST} in all."
                lines.append(LogLine(self._last, "warning", message))
        return tuple(self._cleaned(line) for line in lines)

    def _cleaned(self, line: LogLine) -> LogLine:
        if not self._redact:
            return line
        fields = line.fields and cast(Mapping[str, JsonValue], clean(dict(line.fields), self._redact))
        return LogLine(line.at, line.level, self._redact(line.message), fields)


class AttemptLogger(logging.Logger):
    """The logger that one attempt is handed. What it takes goes to the attempt's own log, and nowhere else."""

    def __init__(self, lines: LogLines, stir: Callable[[], None]):
        super().__init__("perdure.activity", logging.DEBUG)
        self._lines = lines
        self._stir = stir

    def handle(self, record: logging.LogRecord) -> None:
        """Take a record; one that cannot be written is taken as it can."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 arguments that do not fit, or whose `str` fails, must not fail the attempt
            message = str(record.msg)
        fields: dict[str, object] = {name: value for name, value in vars(record).items() if name not in _USUAL}
        if record.exc_info and (raised := record.exc_info[1]) is not None:
            fields["exception"] = f"{type(raised).__name__}: {raised}"
        self._lines.take(_level(record.levelno), message, fields)
        self._stir()


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def _json(fields: Mapping[str, object]) -> dict[str, JsonValue]:
    """Make anything JSON, or say how large it was."""
    try:
        text = orjson.dumps(dict(fields), default=str, option=orjson.OPT_NON_STR_KEYS)
        if len(text) <= FIELDS:
            return cast(dict[str, JsonValue], clean(orjson.loads(text), Redaction()))
    except (orjson.JSONEncodeError, orjson.JSONDecodeError, PayloadTooLarge):
        return {"unreadable": True}
    return {"bytes": len(text)}


def _text(message: str) -> str:
    # Whatever an activity logs must be writable: half a surrogate pair is no text.
    return message if message.isascii() else message.encode(errors="replace").decode()
