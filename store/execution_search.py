"""Finds executions by what is known of them, the newest first: along the shortest of the indexes that stand in the
order of the list."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, text, tuple_, union_all
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from store import error_words, ids
from store.sealing import Seal
from store.session import Session
from store.tables.executions import ExecutionRow, SearchValueRow
from store.tables.workflows import WorkflowRow

LOOKED_AT = 1_000
"""Executions that one part of a list looks at, at most."""
MOST_CODES = 50
"""Codes of a family of errors whose orders are merged."""
Place = tuple[datetime, str]
"""Where an execution stands in the list: its start and its id. Nothing that starts later comes in between."""


@dataclass(frozen=True)
class Filters:
    """What must hold of an execution; nothing asked for holds always."""

    workflow: str | None = None
    """Its name or its id."""
    version: int | None = None
    status: Sequence[str] = ()
    """One of them."""
    trigger: str | None = None
    label: Sequence[tuple[str, str]] = ()
    """All of them."""
    field: Sequence[tuple[str, str]] = ()
    """Values of the workflow's `settings.search`; all of them."""
    started_after: datetime | None = None
    started_before: datetime | None = None
    closed_after: datetime | None = None
    closed_before: datetime | None = None
    error_code: str | None = None
    """The code itself, or what is before a dot in it."""
    error: str | None = None
    """Words of the error; all of them."""
    parent: str | None = None
    """The id of the execution that started it."""
    rerun_of: str | None = None
    """The id of the execution that it is a rerun of."""
    ids: Sequence[str] = ()
    """One of them."""


@dataclass(frozen=True)
class Listed:
    """An execution as lists show it."""

    id: str
    workflow: str
    workflow_id: str | None
    version: int
    status: str
    compensation: str
    attempt: int
    trigger: str
    labels: dict[str, str]
    error_code: str | None
    started_at: datetime
    closed_at: datetime | None
    parent_execution: str | None
    parent_path: str | None
    rerun_of: str | None


@dataclass(frozen=True)
class Part:
    """Executions of a list, and the place from which it goes on; None: nothing follows."""

    rows: Sequence[Listed]
    next: Place | None


async def page(session: Session, filters: Filters, *, after: Place | None, limit: int) -> Sequence[Listed]:
    """List executions, those after a place: as many as are wanted, however long that takes where they are rare."""
    found: list[Listed] = []
    while True:
        part = await some(session, filters, after=after, limit=limit - len(found))
        found += part.rows
        if part.next is None or len(found) == limit:
            return found
        after = part.next


async def some(session: Session, filters: Filters, *, after: Place | None, limit: int, most: int = LOOKED_AT) -> Part:
    """List executions, those after a place, among the next ones on the way, `most` of them: there may be fewer than are
    wanted, even none, before a place from which the list goes on."""
    words, workflow_id = _words(session.seal, filters), None
    if filters.workflow is not None and filters.workflow.startswith(ids.PREFIXES["workflow"]):
        # The indexes are by name, which few workflows share that followed each other.
        workflow_id = filters.workflow
        name = await session.sql.scalar(select(col(WorkflowRow.name)).where(col(WorkflowRow.id) == workflow_id))
        if name is None:
            return Part([], None)
        filters = replace(filters, workflow=name)
    codes = None
    if filters.error_code is not None and filters.workflow is None:
        codes = await _codes(session, filters.error_code)
    along_words = [each for each in words if len(each[1]) == 1]  # those under several values are in several orders
    ways = list(_ways(filters, along_words, codes, after))
    taken = 0 if len(ways) == 1 else await _shortest(session, ways, most)
    way, words = ways[taken], [each for each in words if each not in along_words[taken : taken + 1]]
    conditions = [
        *_conditions(filters),
        *([] if workflow_id is None else [col(ExecutionRow.workflow_id) == workflow_id]),
    ]

    async def read(along: _Read) -> list[Listed]:
        return [Listed(*row) for row in await session.sql.execute(_query(conditions, words, along, limit=limit + 1))]

    rows, until = await read(way(None, min(most, 4 * limit))), None  # most often they are among the first ones
    if len(rows) <= limit:
        # Executions start and go meanwhile: where the list goes on is fixed before what comes before it is read.
        end = (await session.sql.execute(way(None, most).offset(most - 1).limit(1))).first()
        until = None if end is None else (end[0], end[1])
        rows = await read(way(until, 2 * most))
    if len(rows) <= limit:
        return Part(rows, until)
    return Part(rows[:limit], (rows[limit - 1].started_at, rows[limit - 1].id))


Word = tuple[str, Sequence[str]]
"""A word that must be there, under one of some values."""
_Read = Select[datetime, str]
"""Starts and ids of executions in the order of the list, as an index has them."""
Way = Callable[[Place | None, int], _Read]
"""Along an index on which is whatever is looked for: up to a place, if one is given, and so many of them at most."""


def _words(seal: Seal, filters: Filters) -> Sequence[Word]:
    errors = sorted(error_words.wanted(seal, filters.error or ""), key=lambda word: word.length, reverse=True)
    return [
        *((f"field.{key}", [value]) for key, value in filters.field),
        *((f"label.{key}", [value]) for key, value in filters.label),
        *((error_words.KEY, each.kept) for each in errors),
    ]


async def _codes(session: Session, family: str) -> Sequence[str] | None:
    """The family itself and the codes in it that executions have, if they are few: each costs a lookup, however many
    executions have it."""
    values = {"first": f"{family}.", "beyond": f"{family}/", "most": MOST_CODES + 1}
    found = (await session.sql.scalars(_CODES, values)).all()
    return None if len(found) > MOST_CODES else [family, *found]


_CODES = text("""
with recursive codes as (
    select cast(:first as text) collate "C" as code
    union all
    select (
        select error_code from executions where error_code > code and error_code < :beyond
        order by error_code limit 1
    ) from codes where code is not null
)
select code from codes where code <> :first limit :most
""")


def _ways(filters: Filters, words: Sequence[Word], codes: Sequence[str] | None, after: Place | None) -> Iterator[Way]:
    """The ways to go, those along words first. Where all are long, the first is taken; what follows from another is
    none."""
    row, word = ExecutionRow, SearchValueRow
    place = (col(row.started_at), col(row.id))
    for key, values in words:
        yield _way(filters, after, (col(word.started_at), col(word.execution_id)), _is(word, key, values))
    of_workflow = [] if filters.workflow is None else [col(row.workflow) == filters.workflow]
    narrow: list[Sequence[ColumnElement[bool]]] = []
    if codes is not None:
        yield _together([_way(filters, after, place, [col(row.error_code) == each]) for each in codes])
    elif filters.error_code is not None:
        # In the order of the list stand all errors of a workflow; those of very many codes have to be sorted.
        narrow.append([*(of_workflow or _of_error(filters.error_code)), col(row.error_code).is_not(None)])
    if len(filters.status) == 1:
        narrow.append([*of_workflow, col(row.status) == filters.status[0]])
    if filters.version is not None and of_workflow:
        narrow.append([*of_workflow, col(row.version) == filters.version])
    for column, value in (
        (row.parent_execution, filters.parent),
        (row.rerun_of, filters.rerun_of),
        (row.trigger, filters.trigger),
    ):
        if value is not None:
            narrow.append([col(column) == value])
    if filters.ids:
        narrow.append([col(row.id).in_(filters.ids)])
    for conditions in narrow:
        yield _way(filters, after, place, conditions)
    if len(filters.status) > 1:
        statuses = dict.fromkeys(filters.status)
        yield _together([_way(filters, after, place, [*of_workflow, col(row.status) == each]) for each in statuses])
    elif not narrow and codes is None and (of_workflow or not words):
        yield _way(filters, after, place, of_workflow)


def _way(
    filters: Filters,
    after: Place | None,
    place: tuple[Mapped[datetime], Mapped[str]],
    conditions: Sequence[ColumnElement[bool]],
) -> Way:
    started, id = place
    way = select(started, id).where(*conditions)
    if filters.started_after is not None:
        way = way.where(started > filters.started_after)
    if filters.started_before is not None:
        way = way.where(started < filters.started_before)
    if filters.closed_before is not None:
        way = way.where(started < filters.closed_before)  # follows
    if after is not None:
        way = way.where(tuple_(started, id) < after)
    ordered = way.order_by(started.desc(), id.desc())
    return lambda until, most: (
        ordered.limit(most) if until is None else ordered.where(tuple_(started, id) >= until).limit(most)
    )


def _together(ways: Sequence[Way]) -> Way:
    """Each value has an order of its own, of which no more is read than of all together."""
    if len(ways) == 1:
        return ways[0]

    def together(until: Place | None, most: int) -> _Read:
        started, id = union_all(*(select(way(until, most).subquery()) for way in ways)).subquery().c
        return select(started, id).order_by(started.desc(), id.desc()).limit(most)

    return together


async def _shortest(session: Session, ways: Sequence[Way], most: int) -> int:
    """Which way has the fewest left."""
    lengths = (select(func.count()).select_from(way(None, most).subquery()).scalar_subquery() for way in ways)
    found = (await session.sql.execute(select(*lengths))).one()
    return min(range(len(ways)), key=lambda n: found[n])


def _query(
    conditions: Sequence[ColumnElement[bool]], words: Sequence[Word], along: _Read, *, limit: int
) -> Select[*tuple[Any, ...]]:
    row, on_the_way = ExecutionRow, along.subquery()
    started, id = on_the_way.c
    shown = (
        col(row.id),
        col(row.workflow),
        col(row.workflow_id),
        col(row.version),
        col(row.status),
        col(row.compensation),
        col(row.attempt),
        col(row.trigger),
        col(row.labels),
        col(row.error_code),
        col(row.started_at),
        col(row.closed_at),
        col(row.parent_execution),
        col(row.parent_path),
        col(row.rerun_of),
    )
    asked = select(*shown).join_from(on_the_way, row, col(row.id) == id).where(*conditions)
    for key, values in words:
        word = aliased(SearchValueRow)
        there = select(literal(1)).where(col(word.execution_id) == id, *_is(word, key, values))
        # Asked row by row: the words of a message come together, and the planner takes them for independent.
        asked = asked.where(there.offset(0).exists())
    return asked.order_by(started.desc(), id.desc()).limit(limit)


def _is(word: type[SearchValueRow], key: str, values: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return col(word.key) == key, col(word.value).in_(values)


def _of_error(code: str) -> Sequence[ColumnElement[bool]]:
    column = col(ExecutionRow.error_code)
    return [or_(column == code, and_(column > f"{code}.", column < f"{code}/"))]  # "/" comes after "."


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    row = ExecutionRow
    if filters.workflow is not None:
        yield col(row.workflow) == filters.workflow
    if filters.ids:
        yield col(row.id).in_(filters.ids)
    if filters.version is not None:
        yield col(row.version) == filters.version
    if filters.status:
        yield col(row.status).in_(filters.status)
    if filters.trigger is not None:
        yield col(row.trigger) == filters.trigger
    if filters.parent is not None:
        yield col(row.parent_execution) == filters.parent
    if filters.rerun_of is not None:
        yield col(row.rerun_of) == filters.rerun_of
    if filters.closed_after is not None:
        yield col(row.closed_at) > filters.closed_after
    if filters.closed_before is not None:
        yield col(row.closed_at) < filters.closed_before
    if filters.error_code is not None:
        yield from _of_error(filters.error_code)
