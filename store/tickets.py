"""Tickets for streams: given out once as text, kept as a hash, gone when they are used or too old."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from store.database import Database, StoreUnavailable
from store.ids import KeyId, TenantId
from store.session import Session
from store.tenants import Holder

PREFIX = "tk_"
LASTS = timedelta(seconds=30)


@dataclass(frozen=True)
class Ticket:
    """A ticket as its owner has it."""

    ticket: str
    expires_at: datetime


async def add(session: Session, stream: str, key: KeyId) -> Ticket:
    """Make a ticket for a stream, good as long as the key is; those that are too old go."""
    made = PREFIX + secrets.token_urlsafe(32)
    values = {"hash": _hash(made), "stream": stream, "key": key, "lasts": LASTS}
    return Ticket(made, (await session.sql.execute(_ADD, values)).scalar_one())


_ADD = text("""
with gone as (delete from tickets where expires_at < now())
insert into tickets (hash, stream, key_id, expires_at) values (:hash, :stream, :key, now() + :lasts)
returning expires_at
""")


async def redeem(database: Database, ticket: str, stream: str) -> Holder | None:
    """Use a ticket up, and find whose it was: asked before there is a tenant, so it goes past the doorman."""
    try:
        async with database.engine.connect() as connection:
            found = (await connection.execute(_REDEEM, {"hash": _hash(ticket), "stream": stream})).first()
    except (OperationalError, InterfaceError, PoolExhausted) as gone:
        raise StoreUnavailable from gone
    return None if found is None else Holder(TenantId(found[0]), KeyId(found[1]))


_REDEEM = text("select tenant_id, key_id from redeem_ticket(:hash, :stream)")


def _hash(ticket: str) -> bytes:
    # Tickets are long and random, and gone in a moment: a slow hash would only make every call slow.
    return hashlib.sha256(ticket.encode(errors="replace")).digest()
