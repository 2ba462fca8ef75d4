"""Processes to be killed, and an HTTP server that outlives them and notes what reached it."""

import asyncio
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class Process:
    """A process that is killed outright and started again."""

    def __init__(self, line: list[str], log: Path, env: dict[str, str] | None = None):
        self._line = line
        self._log = log
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, in the environment of this process and more."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._line, stdout=log, stderr=log, env=self._env)

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)


class Recorder:
    """An HTTP server that notes the key of every effect, and takes its time so that a death can come between."""

    def __init__(self, pause: Callable[[int], Awaitable[None]]) -> None:
        self._pause = pause
        self.keys: dict[str, list[str]] = defaultdict(list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ", 2)[1]
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            await reader.readexactly(int(headers.get("content-length", "0")))
            self.keys[path].append(headers["idempotency-key"])
            await self._pause(len(self.keys[path]))
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
            )
            await writer.drain()
        writer.close()


async def briefly(_: int) -> None:
    await asyncio.sleep(0.15)


@asynccontextmanager
async def recording(pause: Callable[[int], Awaitable[None]] = briefly) -> AsyncGenerator[tuple[Recorder, int]]:
    """Run a recorder; it answers a request after `pause`, which is told how many there were to the same path."""
    recorder = Recorder(pause)
    server = await asyncio.start_server(recorder.answer, "127.0.0.1", 0)
    async with server:
        yield recorder, server.sockets[0].getsockname()[1]
