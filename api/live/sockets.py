"""Streams as WebSockets: a text frame for each message."""

from collections.abc import AsyncGenerator

from fastapi import WebSocket

from api.live.carrying import ONE_WAY, Closing, carry
from api.live.cutting import cut
from api.live.messages import Message
from api.means import Means
from store.tenants import Holder


class _Socket:
    def __init__(self, socket: WebSocket):
        self._socket = socket

    async def put(self, message: Message) -> None:
        await self._socket.send_text(message.text)

    async def left(self) -> Closing | None:
        message = await self._socket.receive()
        return ONE_WAY if message["type"] == "websocket.receive" else None

    async def finish(self, closing: Closing) -> None:
        await self._socket.close(closing.code, closing.reason)

    def cut(self) -> None:
        cut(self._socket.scope)


async def over_socket(socket: WebSocket, stream: AsyncGenerator[Message], means: Means, holder: Holder) -> None:
    """Tell a stream over a WebSocket."""
    await socket.accept()
    await carry(_Socket(socket), stream, means, holder)
