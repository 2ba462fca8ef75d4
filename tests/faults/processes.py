"""Processes to be killed, and an HTTP server that outlives them and notes what reached it."""

import asyncio
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.activities.http_server import Request, json_reply, serving


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

    @property
    def said(self) -> str:
        """All that it has written, each time that it ran."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def memory(self) -> int:
        """How many bytes of memory it has, if it runs."""
        if self._process is None or self._process.poll() is not None:
            return 0
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(self._process.pid)], capture_output=True, check=False)
        return int(told.stdout or b"0") * 1024

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)


class Recorder:
    """Notes the key of every effect that reaches it, and takes its time so that a death can come between."""

    def __init__(self, pause: Callable[[int], Awaitable[None]]) -> None:
        self._pause = pause
        self.keys: dict[str, list[str]] = defaultdict(list)
        self.most = 0
        """So many were being answered at the same time."""
        self._now = 0

    @property
    def requests(self) -> int:
        """How many reached it."""
        return sum(map(len, self.keys.values()))

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        key = request.header("idempotency-key")
        assert key is not None
        self.keys[request.target].append(key)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await self._pause(len(self.keys[request.target]))
        finally:
            self._now -= 1
        writer.write(json_reply(b"{}"))


async def briefly(_: int) -> None:
    await asyncio.sleep(0.15)


@asynccontextmanager
async def recording(pause: Callable[[int], Awaitable[None]] = briefly) -> AsyncGenerator[tuple[Recorder, int]]:
    """Run a recorder; it answers a request after `pause`, which is told how many there were to the same path."""
    recorder = Recorder(pause)
    async with serving(recorder.answer) as server:
        yield recorder, server.port
