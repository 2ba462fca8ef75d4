"""A PostgreSQL server with its default settings, durable ones included, run as the local stack runs it."""

import asyncio
import secrets
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ChildFailed, child, free_ports, tail
from runtime import local_postgres


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL, all of whose roles have one password."""

    port: int
    password: str

    def url(self, user: str = local_postgres.SUPERUSER, database: str = "postgres") -> str:
        """Where a database is, as a role."""
        return local_postgres.url(self.port, user=user, password=self.password, database=database)


@asynccontextmanager
async def postgres(folder: Path, *, password: str | None = None) -> AsyncGenerator[Server]:
    """Run one server. Data that is in the folder is served again to those who know its password."""
    (port,) = free_ports(1)
    data, log = folder / "postgres", folder / "postgres.log"
    server = Server(port, password or secrets.token_hex(8))
    await asyncio.to_thread(local_postgres.prepare, data, password=server.password)
    async with child(local_postgres.command(data, port), log, stop=signal.SIGINT) as running:
        async with asyncio.timeout(30):
            while not local_postgres.ready(data, running.process.pid):
                if running.process.returncode is not None:
                    raise ChildFailed(f"PostgreSQL ended with {running.process.returncode}:\n{tail(log)}")
                await asyncio.sleep(0.05)
        yield server
