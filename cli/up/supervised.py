"""A program that is kept running: started again when it dies, stopped when asked."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cli.up import leash
from cli.up.folder import Folder
from cli.up.leftovers import forget, note
from cli.up.log import Log
from dag.errors import PerdureError

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
SETTLED = 30.0
"""Who has lived so long starts again without waiting for it."""


@dataclass(frozen=True)
class Program:
    """What is to be run."""

    name: str
    line: Callable[[], Sequence[str]]
    """Asked before every start: some programs need a tidy place."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    stop: signal.Signals = signal.SIGTERM
    kill: signal.Signals = signal.SIGKILL
    """Ends it at once; PostgreSQL has a signal of its own for that."""
    orphaned: signal.Signals = signal.SIGKILL
    """Ends it when nobody looks after it any more."""
    grace: float = 5.0


class Supervised:
    """A program and, most of the time, its process, which leads a group of its own."""

    def __init__(self, program: Program, folder: Folder, log: Log, hurry: asyncio.Event):
        self.program = program
        self.pid: int | None = None
        self.deaths = 0
        self._folder = folder
        self._log = log
        self._hurry = hurry
        self._stopping = asyncio.Event()
        self.running = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End it for good: cleanly within its grace, then at once."""
        self._stopping.set()
        self._signal(self.program.stop)
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({self.running, hurry}, timeout=self.program.grace, return_when="FIRST_COMPLETED")
        hurry.cancel()
        if not self.running.done():
            self._signal(self.program.kill)
            await asyncio.wait({self.running}, timeout=self.program.grace)
        if not self.running.done():
            self._signal(signal.SIGKILL)
        await self.running

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            ended = await self._run()
            if self._stopping.is_set():
                return
            self.deaths += 1
            pause = FIRST_PAUSE if time.monotonic() - began > SETTLED else pause
            self._log.line(self.program.name, f"{ended}; starts again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _run(self) -> str:
        """Run it once, and say how it ended."""
        name = self.program.name
        try:
            line = await asyncio.to_thread(self.program.line)
            if self._stopping.is_set():
                return "not started"
            ours, theirs = os.pipe()
            try:
                process = await asyncio.create_subprocess_exec(
                    *[sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(self.program.orphaned))],
                    *line,
                    stdin=subprocess.DEVNULL,
                    stdout=theirs,
                    stderr=theirs,
                    env={**os.environ, **self.program.env},
                    process_group=0,
                )
            except BaseException:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
        except (OSError, PerdureError) as wrong:
            return f"could not be started: {wrong}"
        self.pid = process.pid
        note(self._folder, name, pid=process.pid, stop=self.program.stop)
        if self._stopping.is_set():  # asked while it was being started
            self._signal(self.program.stop)
        following = asyncio.create_task(self._follow(ours))
        code = await process.wait()
        self.pid = None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started does not outlive it
        await asyncio.wait({following}, timeout=1.0)
        following.cancel()
        forget(self._folder, name)
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    async def _follow(self, pipe: int) -> None:
        reader = asyncio.StreamReader()
        file = os.fdopen(pipe, "rb")
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), file
        )
        try:
            await self._log.follow(self.program.name, reader)
        finally:
            transport.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
