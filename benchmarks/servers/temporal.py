"""Temporal's development server, tuned as the local stack tunes it, and kept in a file, as in production a database
would be."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.processes import LOOPBACK, child, free_ports, listening
from runtime import local_temporal


@asynccontextmanager
async def temporal(folder: Path) -> AsyncGenerator[str]:
    """Run one server; gives its address."""
    (port,) = free_ports(1)
    command = local_temporal.command(port, database=folder / "temporal.db", log_level="error")
    async with child(command, folder / "temporal.log") as running:
        await listening(port, running)
        yield f"{LOOPBACK}:{port}"
