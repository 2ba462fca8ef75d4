"""Children of the harness: each in a group of its own, waited for until it is ready, and ended with the harness however
that ends."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cli.up import leash

LOOPBACK = "127.0.0.1"
GRACE = 10.0
READY = "ready"


class ChildFailed(Exception):
    """A server or worker of the benchmarks did not come up."""


@dataclass(frozen=True)
class Child:
    """A running process; what it says on standard output is read by lines, the rest is in its log."""

    process: asyncio.subprocess.Process
    log: Path

    async def ask(self, line: str) -> str:
        """Say one line, and hear one."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()
        return await self.hear()

    async def hear(self) -> str:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise ChildFailed(f"{self.log.stem} ended with {await self.process.wait()}:\n{tail(self.log)}")
        return line.decode().rstrip("\n")


@asynccontextmanager
async def child(
    command: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    speaks: bool = False,
    stop: signal.Signals = signal.SIGTERM,
) -> AsyncGenerator[Child]:
    """Run a process for as long as the block lasts. One that speaks says `ready` before the block begins. On Linux it
    is killed when the harness dies without a word."""
    async with AsyncExitStack() as stack:
        out = stack.enter_context(log.open("ab"))
        process = await asyncio.create_subprocess_exec(
            *_LEASH,
            str(os.getpid()),
            str(int(signal.SIGKILL)),
            *command,
            stdin=asyncio.subprocess.PIPE if speaks else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if speaks else out,
            stderr=out,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        stack.push_async_callback(_end, process, stop)
        running = Child(process, log)
        if speaks and (said := await running.hear()) != READY:
            raise ChildFailed(f"{log.stem} said {said!r}:\n{tail(log)}")
        yield running


async def finished(command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None) -> None:
    """Run a process to its end. Raises ChildFailed."""
    async with child(command, log, env=env) as running:
        if await running.process.wait() != 0:
            raise ChildFailed(f"{' '.join(command)} failed:\n{tail(log)}")


async def listening(port: int, running: Child, *, within: float = 30.0) -> None:
    """Wait until a child answers on its port."""
    async with asyncio.timeout(within):
        while True:
            if running.process.returncode is not None:
                raise ChildFailed(f"{running.log.stem} ended with {running.process.returncode}:\n{tail(running.log)}")
            with suppress(OSError):
                _, writer = await asyncio.open_connection(LOOPBACK, port)
                writer.close()
                return
            await asyncio.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on; held together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def tail(log: Path) -> str:
    """The last lines that a child wrote."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


_LEASH = [sys.executable, "-I", "-S", leash.__file__]


async def _end(process: asyncio.subprocess.Process, stop: signal.Signals) -> None:
    try:
        if process.returncode is None:
            _signal(process.pid, stop)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE)
    finally:  # also when who waits here is interrupted once more; and what it started does not outlive it
        _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, sign)
