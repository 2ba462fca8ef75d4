"""How processes write their logs: text for people or JSON for what collects it, with the ids of trace and execution."""

import logging
from datetime import UTC, datetime

import orjson
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from temporalio import activity

from runtime.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def formatter(settings: Settings) -> logging.Formatter:
    """Make what the operator asks for."""
    return JsonLines() if settings.log_format == "json" else TextLines(TEXT)


class TextLines(logging.Formatter):
    """A line, with the ids behind it where there are any."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Write the line itself; a traceback follows it."""
        known = " ".join(f"{name}={value}" for name, value in _ids().items())
        line = super().formatMessage(record)
        return f"{line} [{known}]" if known else line


class JsonLines(logging.Formatter):
    """An object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": _text(record.getMessage()),
            **_ids(),
        }
        if record.exc_info:
            told["exception"] = _text(self.formatException(record.exc_info))
        return orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()


def _ids() -> dict[str, str]:
    found: dict[str, str] = {}
    if activity.in_activity():
        found["execution"] = activity.info().workflow_id or ""  # as `<tenant>/<execution>`
    span = get_current_span().get_span_context()
    if span.is_valid:
        found |= {"trace_id": format_trace_id(span.trace_id), "span_id": format_span_id(span.span_id)}
    return found


def _text(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()
