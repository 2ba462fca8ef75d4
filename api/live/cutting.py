"""Lets streams cut off a client that has stopped reading: closing would wait for it for ever.

This knows the inside of the HTTP server (uvicorn 0.54), which says nothing of connections to an app."""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

CUT = "perdure.cut"
"""In the scope: what ends the connection at once."""


class Cutting:
    """Wraps the whole app, since what is in between hides the connection."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Any = getattr(send, "__self__", None)
        scope[CUT] = getattr(getattr(connection, "transport", None), "abort", None)
        await self._app(scope, receive, send)


def cut(scope: Scope) -> None:
    """End the connection, whatever has not been sent."""
    abort = scope.get(CUT)
    if abort is not None:
        abort()
