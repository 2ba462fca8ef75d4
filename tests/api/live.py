"""Follows streams as clients do."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.api.service import Api, Caller

Told = list[dict[str, Any]]


@asynccontextmanager
async def socket(api: Api, path: str, key: str | None = None, **more: Any) -> AsyncGenerator[ClientConnection]:
    """Open a WebSocket; the path begins behind `/workflows/executions`."""
    url = f"{api.url.replace('http', 'ws', 1)}/api/v1/workflows/executions{path}"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with connect(url, additional_headers=headers, proxy=None, **more) as opened:
        yield opened


async def messages(opened: ClientConnection) -> AsyncGenerator[dict[str, Any]]:
    """All messages but heartbeats, until the stream is closed."""
    try:
        while True:
            message = json.loads(await opened.recv())
            if message["kind"] != "heartbeat":
                yield message
    except ConnectionClosed:
        return


async def until(opened: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind."""
    async for message in messages(opened):
        if message["kind"] == kind:
            return message
    raise AssertionError(f"closed before `{kind}`: {opened.close_code} {opened.close_reason}")


async def followed(api: Api, me: Caller, path: str) -> Told:
    """All that a WebSocket tells until it closes."""
    async with socket(api, path, me.key) as opened:
        return [message async for message in messages(opened)]


async def streamed(
    me: Caller, path: str, *, headers: dict[str, str] | None = None, began: asyncio.Event | None = None
) -> Told:
    """All that server-sent events tell until they end; each has its `id`."""
    told: Told = []
    async with me.http.stream("GET", f"/workflows/executions{path}", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                told.append({**json.loads(fields["data"]), "id": fields.get("id")})
                fields = {}
                if began is not None:
                    began.set()
    return [message for message in told if message["kind"] != "heartbeat"]


def events(told: Told, execution: str) -> list[dict[str, Any]]:
    """What was told of one execution."""
    return [
        event for one in told if one["kind"] == "events" and one["execution"] == execution for event in one["items"]
    ]
