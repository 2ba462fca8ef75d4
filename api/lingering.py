"""Answers before a body is read, and then lets it come for a while.

Closing at once would reset the connection, and a client that is still sending would never see the answer."""

import asyncio

from fastapi import Response
from starlette.types import Receive, Scope, Send

_MOST_BYTES = 64 * 1024 * 1024
_MOST_SECONDS = 5.0


class LingeringResponse(Response):
    """A response that ends the connection; what still comes is thrown away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                await _discard(receive)
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    left = _MOST_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
