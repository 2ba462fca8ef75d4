"""Keeps what is too large for Temporal's histories, once for each tenant, as long as an execution refers to it."""

from collections.abc import Collection, Mapping

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from store.session import Session
from store.tables.payloads import PayloadRow, PayloadUseRow


async def keep(session: Session, contents: Mapping[bytes, bytes], uses: Collection[tuple[bytes, str]]) -> None:
    """Keep sealed contents by their hash, each for the executions that use it; what is there already is not sent."""
    among = select(PayloadRow.hash).where(col(PayloadRow.hash).in_(contents))
    # The lock keeps what is there from being cleaned away before it is used.
    there = set(await session.sql.scalars(among.with_for_update(read=True, key_share=True)))
    # In the order of their hashes, so that two who keep the same at once do not wait for each other in a circle.
    missing = [{"hash": key, "content": contents[key]} for key in sorted(contents.keys() - there)]
    if missing:
        await session.sql.execute(insert(PayloadRow).values(missing).on_conflict_do_nothing())
    rows = [{"hash": key, "execution_id": execution} for key, execution in sorted(uses)]
    if rows:
        await session.sql.execute(insert(PayloadUseRow).values(rows).on_conflict_do_nothing())


async def find(session: Session, hashes: Collection[bytes]) -> Mapping[bytes, bytes]:
    """The contents of those hashes that are there."""
    query = select(PayloadRow.hash, PayloadRow.content).where(col(PayloadRow.hash).in_(hashes))
    return {row[0]: row[1] for row in await session.sql.execute(query)}
