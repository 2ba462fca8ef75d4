"""Turns an unexpected HTTP status into an error that says whether, and when, to try again."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from pydantic import JsonValue

from activities import reading
from activities.errors import HttpStatusError, ReplyUnreadable
from activities.exchange import Reply, place

TRY_LATER = frozenset((408, 425, 429, 500, 502, 503, 504))
LONGEST_WAIT = 3600.0
"""Seconds; who asks for more is asked again after this."""
EXCERPT = 8 * 1024


def status_error(reply: Reply) -> HttpStatusError:
    """Make the error for a reply; its details hold the body, as far as it is short."""
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    retryable = reply.status in TRY_LATER
    return HttpStatusError(
        reply.status,
        f"{place(reply.url)} answered {reply.status} {phrase}".rstrip() + ".",
        details={"status": reply.status, "body": _excerpt(reply)},
        retryable=retryable,
        retry_after=retry_after(reply.headers.get("retry-after", "")) if retryable else None,
    )


def retry_after(value: str) -> float | None:
    """Read a Retry-After header, seconds or a date; None when it says nothing of use."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:12]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)


def _excerpt(reply: Reply) -> JsonValue:
    kind = reply.headers.get("content-type", "")
    if reading.is_json(kind) and len(reply.content) <= EXCERPT:
        try:
            return reading.json(reply.content)
        except ReplyUnreadable:
            pass
    if reading.is_json(kind) or reading.is_text(kind):
        return reading.text(reply.content[:EXCERPT], kind)
    return None
