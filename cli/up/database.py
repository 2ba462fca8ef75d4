"""Makes the database of a local stack ready: roles, tables, the first tenant and its key."""

import asyncio

from cli.up.folder import Folder, PostgresAccess, kept
from cli.up.stack import DATABASE, migrator_url, superuser_url
from dag.errors import PerdureError
from runtime import local_postgres
from store import ids, tenants
from store.database import Database, database
from store.migrate import migrate
from store.roles import APP, make_database, make_roles
from store.sealing import new_master_key, read_keyring
from store.session import session


class MasterKeyMissing(PerdureError):
    """The key that everything is encrypted under is gone."""

    code = "up.master_key_missing"


def keys(folder: Folder) -> None:
    """Make the keys, the first time; before there is anything that they could open."""
    if folder.postgres.exists() and not folder.master_key.exists():
        raise MasterKeyMissing(
            f"{folder.master_key} is missing, and what {folder.postgres} holds cannot be read without it. Put it back,"
            " or begin anew with another folder (--data)."
        )
    kept(folder.master_key, new_master_key)
    kept(folder.admin_key, tenants.new_key)


async def prepare(folder: Folder, access: PostgresAccess) -> None:
    """Bring the database to where the processes can use it. Done again, it changes nothing."""
    await asyncio.to_thread(_tables, access)
    keyring = read_keyring(folder.master_key.read_text())
    key = folder.admin_key.read_text().strip()
    url = local_postgres.url(access.port, user=APP, password=access.app, database=DATABASE)
    async with database(url, keyring, connections=1) as opened:
        await _admit(opened, key)


def _tables(access: PostgresAccess) -> None:
    make_roles(superuser_url(access), migrator=access.migrator, app=access.app)
    make_database(superuser_url(access), DATABASE)
    migrate(migrator_url(access))


async def _admit(opened: Database, key: str) -> None:
    if await tenants.holder(opened, key) is not None:
        return
    there = await tenants.every(opened)
    tenant = there[0] if there else ids.tenant()
    async with session(opened, tenant) as first:
        if not there:
            await tenants.add(first, name="local")
        await tenants.add_key(first, name="admin", key=key)
