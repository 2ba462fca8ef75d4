"""Streams as server-sent events: an answer that goes on, which every HTTP client can read."""

from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Response
from starlette.types import Receive, Scope, Send

from api.live import messages
from api.live.carrying import Closing, carry
from api.live.cutting import cut
from api.live.marks import Mark
from api.live.messages import Message
from api.means import Means
from store.tenants import Holder

MEDIA_TYPE = "text/event-stream"
_BEGINNING = b"retry: 1000\n\n"


def described(message: str) -> dict[int | str, dict[str, Any]]:
    """Describe an answer that goes on, for OpenAPI: each event has a message of a shape as its data."""
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{message}"},
    }
    properties = {"event": {"type": "string"}, "id": {"type": "string"}, "data": data}
    event = {"type": "object", "title": "Server-sent event", "properties": properties}
    return {200: {"description": "Server-sent events", "content": {MEDIA_TYPE: {"schema": event}}}}


class EventStream(Response):
    """An answer that tells a stream. With a mark, each message says where a browser goes on from."""

    media_type = MEDIA_TYPE

    def __init__(self, stream: AsyncGenerator[Message], means: Means, holder: Holder, *, mark: Mark | None):
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream = stream
        self._means = means
        self._holder = holder
        self._mark = mark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": _BEGINNING, "more_body": True})
        way = _Answer(scope, receive, send, mark=self._mark)
        await carry(way, self._stream, self._means, self._holder)


class _Answer:
    def __init__(self, scope: Scope, receive: Receive, send: Send, *, mark: Mark | None):
        self._scope = scope
        self._receive = receive
        self._send = send
        self._mark = mark

    async def put(self, message: Message) -> None:
        told: str | None = None
        if self._mark is not None and message.seq is not None and message.execution is not None:
            told = self._mark.after(message.execution, message.seq)
        id = "" if told is None else f"id: {told}\n"
        body = f"event: {message.kind}\n{id}data: {message.text}\n\n".encode()
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def left(self) -> Closing | None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        return None

    async def finish(self, closing: Closing) -> None:
        await self.put(messages.close(closing.code, closing.reason))
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def cut(self) -> None:
        cut(self._scope)
