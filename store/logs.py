"""The lines of an execution's log, found among the entries of its journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

import orjson
from sqlalchemy import or_
from sqlmodel import col, select

from store import paths
from store.ids import ExecutionId
from store.session import Session
from store.tables.executions import EventRow

TYPES = ("log", "node.log")
"""The types of their entries; the second is that of former releases."""
Level = Literal["debug", "info", "warning", "error"]
LEVELS: Sequence[Level] = ("debug", "info", "warning", "error")
MOST_READ = 5_000
"""Lines opened for one page: what they say is sealed, so that it cannot be asked of the database."""


@dataclass(frozen=True)
class Filters:
    """What must hold of a line; nothing asked for holds always."""

    under: str | None = None
    """A path: lines of the node run itself, and of all inside it."""
    attempt: int | None = None
    """At the execution."""
    level: Level | None = None
    """This one, or a graver one."""
    words: str | None = None
    """Parts of the message, in whatever case; all of them."""


@dataclass(frozen=True)
class Line:
    """One line."""

    seq: int
    at: datetime
    path: str
    attempt: int
    node_attempt: int | None
    level: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Found:
    """Some lines, and after which number to go on; None: there are no more now."""

    lines: Sequence[Line]
    next: int | None


async def page(session: Session, execution: ExecutionId, filters: Filters, *, since: int, limit: int) -> Found:
    """List lines in their order, those after a number. A page may be short, or empty, although there are more."""
    row = EventRow
    query = select(row).where(col(row.execution_id) == execution, col(row.seq) > since)
    query = query.where(or_(*(col(row.type) == type for type in TYPES)))
    if filters.attempt is not None:
        query = query.where(col(row.attempt) == filters.attempt)
    if filters.under is not None:
        query = query.where(or_(col(row.path) == filters.under, paths.inside(col(row.path), filters.under)))
    rows = (await session.sql.scalars(query.order_by(col(row.seq)).limit(MOST_READ))).all()
    lines: list[Line] = []
    for entry in rows:
        line = _line(session, entry)
        if _fits(line, filters):
            lines.append(line)
        if len(lines) == limit:
            return Found(lines, entry.seq)
    return Found(lines, rows[-1].seq if len(rows) == MOST_READ else None)


def _line(session: Session, row: EventRow) -> Line:
    said = None if row.data is None else orjson.loads(session.seal.open(row.data))
    data = cast(dict[str, Any], said) if isinstance(said, dict) else {}
    return Line(
        seq=row.seq,
        at=row.at,
        path=row.path,
        attempt=row.attempt,
        node_attempt=data.get("attempt"),
        level=data.get("level", "info"),
        message=data.get("message", ""),
        fields=data.get("fields") or {},
    )


def _fits(line: Line, filters: Filters) -> bool:
    if filters.level is not None and line.level in LEVELS and LEVELS.index(line.level) < LEVELS.index(filters.level):
        return False
    message = line.message.casefold()
    return all(word in message for word in (filters.words or "").casefold().split())
