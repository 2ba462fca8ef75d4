"""`perdure up`: starts everything in order, looks after it, and stops it in the opposite order."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable

import httpx2
from pydantic import ValidationError

from cli.replies import Readiness
from cli.up import database
from cli.up.folder import Folder, claimed, postgres_access, write
from cli.up.leftovers import end_leftovers
from cli.up.log import Log
from cli.up.ports import check
from cli.up.stack import Options, postgres, services, settings, temporal
from cli.up.supervised import Program, Supervised
from dag.errors import PerdureError
from runtime import local_postgres

PATIENCE = 90.0
EVERY = 0.05
NAME = "perdure"


class NotReady(PerdureError):
    """The local stack did not become ready."""

    code = "up.not_ready"


def up(options: Options) -> None:
    """Run a local stack until it is asked to stop."""
    os.umask(0o077)
    with claimed(options.data) as folder:
        log = Log(folder)
        left = end_leftovers(folder)
        if left:
            log.line(NAME, f"ended what an earlier start had left: {', '.join(left)}")
        check(
            {
                "--port": ("the API", options.port),
                "--temporal-port": ("Temporal", options.temporal_port),
                "--temporal-ui-port": ("Temporal's Web UI", options.temporal_ui_port),
            }
        )
        try:
            asyncio.run(Stack(folder, options, log).run())
        finally:
            log.close()


class Stack:
    """The programs that run, in the order in which they were started."""

    def __init__(self, folder: Folder, options: Options, log: Log):
        self._folder = folder
        self._options = options
        self._log = log
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._running: list[list[Supervised]] = []

    async def run(self) -> None:
        """Start everything, and wait until somebody asks for the end or something cannot go on."""
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(name, self._asked)
        asked = asyncio.create_task(self._stop.wait())
        starting = asyncio.create_task(self._start())
        try:
            await asyncio.wait({asked, starting}, return_when="FIRST_COMPLETED")
            if not self._stop.is_set():
                await starting
                supervision = {one.running for stage in self._running for one in stage}
                await asyncio.wait({asked, *supervision}, return_when="FIRST_COMPLETED")
        finally:
            starting.cancel()
            asked.cancel()
            await asyncio.wait({starting})
            await self._end()

    async def _start(self) -> None:
        began = time.monotonic()
        first = not self._folder.postgres.exists()
        database.keys(self._folder)
        access = postgres_access(self._folder)
        self._log.line(NAME, f"starting, with its data in {self._folder.path}")
        [server] = self._run(postgres(self._folder, access))
        self._run(temporal(self._folder, self._options))
        await self._until(lambda: _postgres_answers(self._folder, server), "PostgreSQL")
        await database.prepare(self._folder, access)
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
            there = f"{self._options.temporal_ui_url}/api/v1/namespaces/default"
            await self._until(lambda: _answers(http, there), "Temporal")
            env = settings(self._folder, access, self._options)
            write(self._folder.settings, json.dumps(env) + "\n")
            api, workers = services(self._options, env)
            self._run(api)
            self._run(*workers)
            write(self._folder.url, self._options.url + "\n")
            await self._until(lambda: _answers(http, f"{self._options.url}/api/v1/health/ready"), "the API")
        self._log.line(NAME, f"ready after {time.monotonic() - began:.1f} s")
        self._welcome(first=first)

    def _run(self, *programs: Program) -> list[Supervised]:
        stage = [Supervised(program, self._folder, self._log, self._hurry) for program in programs]
        self._running.append(stage)
        return stage

    async def _until(self, good: Callable[[], Awaitable[str]], what: str) -> None:
        """Wait until nothing is missing any more."""
        until = time.monotonic() + PATIENCE
        while missing := await good():
            if time.monotonic() > until:
                dead = [one for stage in self._running for one in stage if one.deaths]
                deaths = "".join(f"; {one.program.name} has ended {one.deaths} times" for one in dead)
                raise NotReady(
                    f"After {PATIENCE:.0f} s {what} is not ready: {missing}{deaths} The log: {self._log.path}"
                )
            await asyncio.sleep(EVERY)

    def _asked(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        else:
            self._log.line(NAME, "stopping; once more, and it stops at once")
        self._stop.set()

    async def _end(self) -> None:
        for stage in reversed(self._running):
            await asyncio.gather(*(one.stop() for one in stage))
        self._log.line(NAME, "stopped")

    def _welcome(self, *, first: bool) -> None:
        key = self._folder.admin_key
        shown = f"{key.read_text().strip()}  (kept in {key})" if first else f"in {key}"
        self._log.tell(
            "\n".join(
                [
                    "",
                    "Perdure is ready.",
                    f"  API         {self._options.url}/api/v1",
                    f"  API docs    {self._options.url}/api/docs",
                    f"  Temporal    {self._options.temporal_ui_url}",
                    f"  API key     {shown}",
                    "Ctrl-C stops it; its data stays.",
                    "",
                ]
            )
        )


async def _postgres_answers(folder: Folder, server: Supervised) -> str:
    answers = server.pid is not None and local_postgres.ready(folder.postgres, server.pid)
    return "" if answers else "it takes no connections"


async def _answers(http: httpx2.AsyncClient, url: str) -> str:
    """What is missing, as far as it says so itself."""
    try:
        reply = await http.get(url)
    except httpx2.HTTPError as silence:
        return f"it does not answer ({type(silence).__name__})"
    if reply.is_success:
        return ""
    return " ".join(_hints(reply)) or f"it answers {reply.status_code}"


def _hints(reply: httpx2.Response) -> list[str]:
    try:
        parts = Readiness.model_validate_json(reply.content)
    except ValidationError:
        return []
    return [part.hint for part in (parts.database, parts.temporal, parts.workers) if part.hint and not part.ok]
