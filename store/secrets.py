"""Tenants' secrets: they can be put, replaced and deleted; only a worker can read them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete as deletion
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.errors import PerdureError
from store.session import Session
from store.tables.surroundings import SecretRow

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
MOST = 1_000
MOST_BYTES = 64 * 1024
"""Of one secret as UTF-8: more than any key or certificate."""


class SecretRefused(PerdureError):
    """A secret's name begins with a letter or `_`; up to 62 letters, digits, `_`, `.` and `-` may follow."""

    code = "secret.refused"


class SecretUnknown(PerdureError):
    """There is no secret of this name."""

    code = "secret.unknown"


class TooManySecrets(PerdureError):
    """There are 1,000 secrets already; delete one first."""

    code = "limit.secrets"


class SecretTooLarge(PerdureError):
    """A secret may have 64 KiB at most."""

    code = "limit.secret_bytes"


@dataclass(frozen=True)
class Secret:
    """All that is shown of a secret."""

    name: str
    updated_at: datetime


async def put(session: Session, name: str, value: str) -> None:
    """Add a secret, or replace it."""
    content = value.encode()
    if not NAME.fullmatch(name):
        raise SecretRefused
    if len(content) > MOST_BYTES:
        raise SecretTooLarge
    others = select(func.count()).select_from(SecretRow).where(col(SecretRow.name) != name)
    if (await session.sql.scalars(others)).one() >= MOST:
        raise TooManySecrets
    changed = {"value": session.seal.seal(content), "updated_at": func.now()}
    written = insert(SecretRow).values(name=name, **changed)
    await session.sql.execute(written.on_conflict_do_update(index_elements=["tenant_id", "name"], set_=changed))


async def names(session: Session) -> Sequence[Secret]:
    """All secrets, by name."""
    query = select(SecretRow.name, SecretRow.updated_at).order_by(col(SecretRow.name))
    return [Secret(name, at) for name, at in await session.sql.execute(query)]


async def delete(session: Session, name: str) -> None:
    """Take a secret away. Raises SecretUnknown."""
    gone = deletion(SecretRow).where(col(SecretRow.name) == name).returning(col(SecretRow.name))
    if (await session.sql.scalars(gone)).first() is None:
        raise SecretUnknown


async def resolve(session: Session, among: Collection[str]) -> Mapping[str, str]:
    """The values of those that there are."""
    query = select(SecretRow.name, SecretRow.value).where(col(SecretRow.name).in_(among))
    rows = await session.sql.execute(query)
    return {name: session.seal.open(value).decode() for name, value in rows}
