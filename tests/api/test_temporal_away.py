"""While Temporal is away what needs it answers 503 soon, the rest works, and nothing is left half done."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api import temporal_patience
from runtime.settings import Settings
from store.database import Database
from store.ids import TenantId
from tests.api.service import Caller, calling, serving
from tests.api.test_workflows import code
from tests.api.working import published, waiting
from tests.temporal import free_port

START = "/workflows/waiting/executions"


class Relay:
    """A way to a server that can be closed and opened again."""

    def __init__(self, port: int, address: str):
        self._port = port
        self._host, _, there = address.rpartition(":")
        self._there = int(there)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection(self._host, self._there)
        self._open |= {writer, out}
        await asyncio.gather(_pump(reader, out), _pump(there, writer), return_exceptions=True)
        self._open -= {writer, out}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def relayed(settings: Settings) -> AsyncGenerator[tuple[Relay, Settings]]:
    port = free_port()
    relay = Relay(port, settings.temporal_address)
    await relay.open()
    try:
        yield relay, settings.model_copy(update={"temporal_address": f"127.0.0.1:{port}"})
    finally:
        await relay.close()


@pytest.fixture
async def cut_off(api_settings: Settings, store: Database, tenant: TenantId) -> AsyncIterator[tuple[Relay, Caller]]:
    """A caller of an API whose way to Temporal can be closed."""
    async with relayed(api_settings) as (relay, settings), serving(settings) as api, calling(api, store, tenant) as me:
        yield relay, me


async def test_what_needs_temporal_answers_503_while_it_is_away_and_goes_on_when_it_is_back(
    cut_off: tuple[Relay, Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, me = cut_off
    monkeypatch.setattr(temporal_patience, "PATIENCE", 2)
    await published(me, waiting())
    before = (await me.http.post(START, json={})).json()
    address = f"/workflows/executions/{before['id']}"
    await relay.close()
    refused = await asyncio.gather(
        me.http.post(START, json={}, headers={"Idempotency-Key": "k"}), me.http.post(f"{address}/cancel")
    )
    for answer in refused:
        assert code(answer) == (503, "temporal.unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert (await me.http.get(address)).json() == before
    waited = await me.http.get(f"{address}/waiting")
    assert waited.status_code == 200
    assert [each["id"] for each in (await me.http.get("/workflows/executions")).json()["items"]] == [before["id"]]
    await relay.open()
    again: list[Any] = [await me.http.post(START, json={}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert again[0].status_code in (200, 201), again[0].text
    assert (again[1].status_code, again[1].json()["id"]) == (200, again[0].json()["id"])
    assert (await me.http.post(f"{address}/cancel")).status_code == 202


async def test_of_many_who_ask_for_a_temporal_that_says_nothing_none_waits_for_the_others(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = api_settings.model_copy(update={"temporal_address": f"127.0.0.1:{silent.getsockname()[1]}"})
        async with serving(away) as api, calling(api, store, tenant) as me:
            await published(me, waiting())
            answers = await asyncio.gather(*(me.http.post(START, json={}) for _ in range(40)))
            assert {code(answer) for answer in answers} == {(503, "temporal.unavailable")}
            assert (await me.http.get("/workflows/executions")).json()["items"] == []
