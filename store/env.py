"""Tenants' plain settings, which expressions read as `env.<name>`; an execution keeps those it was started with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import JsonValue
from sqlalchemy import delete as deletion
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.errors import PerdureError
from store.session import Session
from store.tables.surroundings import EnvRow

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
MOST = 200
MOST_BYTES = 8 * 1024
"""Of one value as JSON: every execution gets all of them."""


class EnvRefused(PerdureError):
    """A name of `env` begins with a letter or `_`; up to 62 letters, digits, `_`, `.` and `-` may follow."""

    code = "env.refused"


class EnvUnknown(PerdureError):
    """There is no value of this name in `env`."""

    code = "env.unknown"


class TooManyInEnv(PerdureError):
    """There are 200 values in `env` already; delete one first."""

    code = "limit.env"


class EnvTooLarge(PerdureError):
    """A value of `env` may have 8 KiB of JSON at most."""

    code = "limit.env_bytes"


@dataclass(frozen=True)
class Env:
    """One value."""

    name: str
    value: JsonValue
    updated_at: datetime


async def put(session: Session, name: str, value: JsonValue) -> None:
    """Add a value, or replace it."""
    content = orjson.dumps(value)
    if not NAME.fullmatch(name):
        raise EnvRefused
    if len(content) > MOST_BYTES:
        raise EnvTooLarge
    others = select(func.count()).select_from(EnvRow).where(col(EnvRow.name) != name)
    if (await session.sql.scalars(others)).one() >= MOST:
        raise TooManyInEnv
    changed = {"value": session.seal.seal(content), "updated_at": func.now()}
    written = insert(EnvRow).values(name=name, **changed)
    await session.sql.execute(written.on_conflict_do_update(index_elements=["tenant_id", "name"], set_=changed))


async def every(session: Session) -> Sequence[Env]:
    """All values, by name."""
    rows = await session.sql.scalars(select(EnvRow).order_by(col(EnvRow.name)))
    return [Env(row.name, orjson.loads(session.seal.open(row.value)), row.updated_at) for row in rows]


async def values(session: Session) -> Mapping[str, JsonValue]:
    """What `env` is for an execution that starts now."""
    return {each.name: each.value for each in await every(session)}


async def delete(session: Session, name: str) -> None:
    """Take a value away. Raises EnvUnknown."""
    gone = deletion(EnvRow).where(col(EnvRow.name) == name).returning(col(EnvRow.name))
    if (await session.sql.scalars(gone)).first() is None:
        raise EnvUnknown
