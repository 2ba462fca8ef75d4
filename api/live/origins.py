"""From which pages streams may be opened: browsers let every page open a WebSocket to anywhere, and say which it is."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from dag.errors import PerdureError


class OriginRefused(PerdureError):
    """Pages of this origin may not open streams; the operator can allow it (PERDURE_API_ORIGINS)."""

    code = "origin.refused"


def check_origin(connection: HTTPConnection, allowed: Iterable[str]) -> None:
    """Let through whoever is no browser, and pages of our own address or an allowed one. Raises OriginRefused."""
    origin = connection.headers.get("origin")
    if origin is None or origin in allowed:
        return
    try:
        there = urlsplit(origin).netloc
    except ValueError:
        raise OriginRefused from None
    if not there or there != connection.headers.get("host"):
        raise OriginRefused
