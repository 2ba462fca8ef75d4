"""One real PostgreSQL for all tests of a process; every test that asks has a database of its own, copied from one that
has been migrated."""

import base64
import secrets
import signal
import subprocess
import time
import uuid
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from runtime import local_postgres
from store import ids, tenants
from store.database import Database, database
from store.ids import TenantId
from store.migrate import migrate
from store.roles import APP, MIGRATOR, make_database, make_roles
from store.sealing import Keyring, new_master_key, read_keyring
from store.session import session
from tests.temporal import free_port

TEMPLATE = "template"
PASSWORD = secrets.token_hex(8)


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL."""

    port: int

    def url(self, name: str, user: str = APP) -> str:
        """Where a database is, as a role."""
        return local_postgres.url(self.port, user=user, password=PASSWORD, database=name)

    @property
    def superuser(self) -> str:
        return self.url("postgres", local_postgres.SUPERUSER)


@contextmanager
def server(data: Path) -> Generator[Server]:
    """Run a server for as long as this lasts."""
    local_postgres.prepare(data, password=PASSWORD)
    running = Server(free_port())
    line = [*local_postgres.command(data, running.port), "-c", "fsync=off"]
    with (data / "server.log").open("ab") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, cwd="/")
    try:
        ready(running)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def ready(running: Server, *, within: float = 30) -> None:
    """Wait until it answers."""
    until = time.monotonic() + within
    while True:
        try:
            psycopg.connect(running.superuser).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def migrated(data: Path) -> Generator[Server]:
    """The same, with a database that has been migrated."""
    with server(data) as running:
        make_roles(running.superuser, migrator=PASSWORD, app=PASSWORD)
        make_database(running.superuser, TEMPLATE)
        migrate(running.url(TEMPLATE, MIGRATOR))
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests of this process share, with a migrated database to copy."""
    with migrated(tmp_path_factory.mktemp("postgres") / "data") as running:
        yield running


@pytest.fixture
def database_name(postgres: Server) -> Iterator[str]:
    """A fresh database, for as long as the test lasts: each is hundreds of files."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
    yield name
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(postgres: Server, database_name: str) -> str:
    """The fresh database, as the role that processes have."""
    return postgres.url(database_name)


@pytest.fixture
def keyring() -> Keyring:
    return read_keyring(new_master_key())


@pytest.fixture
def installation(database_url: str, keyring: Keyring) -> dict[str, str]:
    """What the environment of every process of one installation says."""
    return {
        "PERDURE_DATABASE_URL": database_url,
        "PERDURE_MASTER_KEY": "\n".join(base64.b64encode(key).decode() for key in keyring.keys),
    }


@pytest.fixture
async def store(database_url: str, keyring: Keyring) -> AsyncGenerator[Database]:
    """The fresh database, open."""
    async with database(database_url, keyring) as opened:
        yield opened


@pytest.fixture
async def tenant(store: Database) -> TenantId:
    """A tenant of the fresh database."""
    return await another_tenant(store)


async def another_tenant(store: Database) -> TenantId:
    """One tenant more."""
    made = ids.tenant()
    async with session(store, made) as opened:
        await tenants.add(opened, name="Somebody")
    return made
