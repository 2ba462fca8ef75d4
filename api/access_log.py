"""One line for each request, without its query, which may hold what nobody else should read; and careful headers."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}

logger = logging.getLogger("perdure.api.access")


class AccessLog:
    """Wraps the app, so that it sees the status of every answer."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500
        within = dict(scope)
        scope["query_string"] = b""  # the server's own log shows it, for WebSockets

        async def sends(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = 101
            elif message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(within, receive, sends)
        finally:
            scope["route"] = within.get("route")  # for those around, who count by it
            took = (time.perf_counter() - began) * 1000
            tenant = scope.get("state", {}).get("tenant", "-")
            path = scope["path"][:500].encode("unicode_escape").decode()
            logger.info("%s %s %d %.1f ms %s", scope.get("method", "WS"), path, status, took, tenant)
