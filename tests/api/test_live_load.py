"""Streams hold under what is hard: a thousand followers, some that are stuck, a database that goes away."""

import asyncio
import json
import socket as sockets
import subprocess
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from pydantic import JsonValue
from websockets.asyncio.client import ClientConnection, connect

from runtime.settings import Settings
from store.database import Database
from store.ids import TenantId
from tests.api.live import events, messages, socket, until
from tests.api.processes import answering, environment, run
from tests.api.service import Api, calling, serving
from tests.api.test_live import ID, OTHER, begun, say
from tests.postgres import Server
from tests.temporal import free_port

pytestmark = pytest.mark.slow

FOLLOWERS = 1_000
TURNS = 20
LARGE: JsonValue = {"output": "x" * 50_000, "port": "out"}


@pytest.mark.timeout(300)
async def test_a_thousand_follow_one_execution_and_a_stuck_client_harms_nobody(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    port = free_port()
    few = {"PERDURE_API_STREAMS": str(FOLLOWERS + 1), "PERDURE_API_HEARTBEAT": "2"}
    quiet = {"PERDURE_LOG_LEVEL": "WARNING"}  # nobody reads its log meanwhile
    with run({**environment(api_settings, port), **few, **quiet}) as process:
        api = Api(f"http://127.0.0.1:{port}", api_settings)
        async with AsyncExitStack() as stack:
            me = await stack.enter_async_context(calling(api, store, tenant))
            await answering(process, me.http)
            strand, large = begun(), begun(OTHER)
            for n in range(600):
                large.say("node.succeeded", f"n{n}", LARGE)
            await say(store, tenant, strand, large)
            empty = resident(process)
            followers = await opened(api, me.key, stack)
            stuck = await never_reading(api, me.key)
            full = resident(process)
            hearing = [asyncio.create_task(heard(each)) for each in followers]
            for n in range(TURNS):
                strand.say("node.succeeded", f"n{n}", {"output": n, "port": "out"})
                await say(store, tenant, strand)
                await asyncio.sleep(0.2)
            strand.say("execution.succeeded", data={"output": 1})
            await say(store, tenant, strand)
            everything = list(range(1, TURNS + 4))
            assert [each for each in await asyncio.gather(*hearing) if each != everything] == []
            await cut_off(stuck)
            print(f"{empty} KiB, {full} KiB with {FOLLOWERS + 1} streams, {resident(process)} KiB after")
            assert resident(process) - empty < 200 * 1024
            assert (await me.http.get("/workflows")).status_code == 200


async def opened(api: Api, key: str, stack: AsyncExitStack) -> list[ClientConnection]:
    url = f"{api.url.replace('http', 'ws', 1)}/api/v1/workflows/executions/{ID}/ws?since=0"
    headers = {"Authorization": f"Bearer {key}"}
    turn = asyncio.Semaphore(50)

    async def one() -> ClientConnection:
        async with turn:
            return await connect(url, additional_headers=headers, proxy=None, open_timeout=60, ping_interval=None)

    made = await asyncio.gather(*(one() for _ in range(FOLLOWERS)))
    for each in made:
        stack.push_async_callback(each.close)
    return made


async def heard(follower: ClientConnection) -> list[int]:
    told = [message async for message in messages(follower)]
    return [event["seq"] for event in events(told, ID)]


async def never_reading(api: Api, key: str) -> sockets.socket:
    """Ask for much, and read nothing of it."""
    there = urlsplit(api.url)
    made = sockets.socket()
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    made.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, (there.hostname, there.port))
    lines = [
        f"GET /api/v1/workflows/executions/{OTHER}/ws?since=0 HTTP/1.1",
        f"Host: {there.netloc}",
        f"Authorization: Bearer {key}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    await loop.sock_sendall(made, "\r\n".join([*lines, "", ""]).encode())
    return made


async def cut_off(stuck: sockets.socket) -> None:
    """Wait until the server has let go of a connection, which nobody reads."""
    with stuck:
        while stuck.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR) == 0:
            with suppress(BlockingIOError, ConnectionResetError):
                if stuck.recv(1, sockets.MSG_PEEK) == b"":
                    return
            await asyncio.sleep(0.1)


def resident(process: subprocess.Popen[str]) -> int:
    """KiB of memory that a process has."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


async def test_a_stream_beats_while_the_database_is_away_and_goes_on_where_it_was(
    api_settings: Settings, store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    quick = api_settings.model_copy(update={"api_heartbeat": timedelta(seconds=0.2)})
    async with serving(quick) as api, calling(api, store, tenant) as me:
        strand = begun()
        await say(store, tenant, strand)
        async with socket(api, f"/{ID}/ws", me.key) as stream, socket(api, "/ws", me.key) as listed:
            await until(stream, "snapshot")
            await until(listed, "snapshot")
            name = sql.Identifier(database_name)
            with psycopg.connect(postgres.superuser, autocommit=True) as connection:
                connection.execute(sql.SQL("alter database {} allow_connections false").format(name))
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database_name]
                )
                for _ in range(10):
                    assert json.loads(await stream.recv())["kind"] == "heartbeat"
                answer = await me.http.get(f"/workflows/executions/{ID}/stream")
                assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
                connection.execute(sql.SQL("alter database {} allow_connections true").format(name))
            strand.say("execution.succeeded", data={"output": 1})
            await say(store, tenant, strand)
            assert [event["seq"] for event in (await until(stream, "events"))["items"]] == [3]
            await until(stream, "end")
            await until(listed, "resync")
            assert (await until(listed, "snapshot"))["items"][0]["status"] == "succeeded"
