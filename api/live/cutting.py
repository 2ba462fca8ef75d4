"""Lets streams cut off a client that has stopped reading: closing would wait for it for ever.

This knows the inside of the HTTP server (uvicorn 0.54), which says nothing of connections to an app."""

import os
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_CONNECTION = "perdure.connection"
"""In the scope: the transport."""
_AT_ONCE = struct.pack("ii", 1, 0)


class Cutting:
    """Wraps the whole app, since what is in between hides the connection."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_CONNECTION] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


def cut(scope: Scope) -> None:
    """End the connection, whatever has not been sent."""
    connection: Any = scope.get(_CONNECTION)
    if connection is None:
        return
    if not connection.is_closing():  # else its number may be another's already
        # The kernel would go on with what nobody takes. The loop's own socket lets nobody set that.
        with socket.socket(fileno=os.dup(connection.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    connection.abort()
