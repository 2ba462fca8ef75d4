"""Tenants, and the API keys that stand for them."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, text, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlmodel import col, func, select

from store import ids
from store.database import Database, StoreUnavailable
from store.ids import KeyId, TenantId
from store.session import Session
from store.tables.tenants import ApiKeyRow, TenantRow

KEY_PREFIX = "pk_"


@dataclass(frozen=True)
class Holder:
    """Whose key it is."""

    tenant: TenantId
    key: KeyId


async def add(session: Session, *, name: str) -> None:
    """Make the session's tenant."""
    await session.sql.execute(insert(TenantRow).values(id=session.tenant, name=name))


async def find(session: Session) -> TenantRow:
    """The session's tenant."""
    return (await session.sql.scalars(select(TenantRow))).one()


async def add_key(session: Session, *, name: str, key: str | None = None) -> str:
    """Make an API key; its text is given once, here."""
    made = key or new_key()
    await session.sql.execute(insert(ApiKeyRow).values(id=ids.key(), name=name, hash=_hash(made)))
    return made


def new_key() -> str:
    """Make the text of a key; it opens nothing before it is added."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


async def key_name(session: Session, id: KeyId) -> str:
    """What a key is called."""
    return (await session.sql.scalars(select(ApiKeyRow.name).where(col(ApiKeyRow.id) == id))).one()


async def revoke_key(session: Session, id: KeyId) -> None:
    """From now on the key opens nothing."""
    await session.sql.execute(update(ApiKeyRow).where(col(ApiKeyRow.id) == id).values(revoked_at=func.now()))


async def key_opens(session: Session, id: KeyId) -> bool:
    """Whether a key has not been revoked."""
    query = select(col(ApiKeyRow.id)).where(col(ApiKeyRow.id) == id, col(ApiKeyRow.revoked_at).is_(None))
    return (await session.sql.scalars(query)).first() is not None


async def holder(database: Database, key: str) -> Holder | None:
    """Find whose key it is: asked before there is a tenant, so it goes past the doorman."""
    rows = await _past_the_doorman(database, "select tenant_id, key_id from tenant_of_key(:hash)", hash=_hash(key))
    return next((Holder(TenantId(row[0]), KeyId(row[1])) for row in rows), None)


async def every(database: Database) -> list[TenantId]:
    """All tenants, for what is done for each of them in turn."""
    return [TenantId(row[0]) for row in await _past_the_doorman(database, "select id from tenant_ids() as id")]


async def _past_the_doorman(database: Database, query: str, **values: object) -> Sequence[Sequence[str]]:
    try:
        async with database.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query), values)]
    except (OperationalError, InterfaceError, PoolExhausted) as gone:
        raise StoreUnavailable from gone


def _hash(key: str) -> bytes:
    # Keys are long and random: a slow hash would only make every call slow.
    return hashlib.sha256(key.encode()).digest()
