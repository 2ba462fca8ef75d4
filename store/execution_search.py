"""Finds executions by what is known of them, the newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from store import error_words, ids
from store.sealing import Seal
from store.session import Session
from store.tables.executions import ExecutionRow, SearchValueRow
from store.tables.workflows import WorkflowRow

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


async def page(session: Session, filters: Filters, *, after: Place | None, limit: int) -> Sequence[Listed]:
    """List executions, those after a place."""
    rows = await session.sql.execute(_query(session.seal, filters, after=after, limit=limit))
    return [Listed(*row) for row in rows]


def _query(seal: Seal, filters: Filters, *, after: Place | None, limit: int) -> Select[*tuple[Any, ...]]:
    shown = (
        col(ExecutionRow.id),
        col(ExecutionRow.workflow),
        col(ExecutionRow.workflow_id),
        col(ExecutionRow.version),
        col(ExecutionRow.status),
        col(ExecutionRow.compensation),
        col(ExecutionRow.attempt),
        col(ExecutionRow.trigger),
        col(ExecutionRow.labels),
        col(ExecutionRow.error_code),
        col(ExecutionRow.started_at),
        col(ExecutionRow.closed_at),
        col(ExecutionRow.parent_execution),
        col(ExecutionRow.parent_path),
        col(ExecutionRow.rerun_of),
    )
    started, id = col(ExecutionRow.started_at), col(ExecutionRow.id)
    asked = select(*shown).where(*_conditions(filters))
    error = sorted(error_words.wanted(seal, filters.error or ""), key=lambda word: word.length, reverse=True)
    first = [(error_words.KEY, each.kept) for each in error[:1]]
    for place, (key, values) in enumerate([*_words(filters), *first]):
        word = aliased(SearchValueRow)
        if len(values) > 1:  # it may be there under each
            asked = asked.where(id.in_(select(col(word.execution_id)).where(*_is(word, key, values))))
            continue
        asked = asked.join(word, and_(col(word.execution_id) == id, *_is(word, key, values)))
        if not place:  # words stand in the order of the list
            started, id = col(word.started_at), col(word.execution_id)
    for each in error[1:]:
        word = aliased(SearchValueRow)
        there = select(literal(1)).where(col(word.execution_id) == id, *_is(word, error_words.KEY, each.kept))
        # Asked row by row: the words of a message come together, and the planner takes them for independent.
        asked = asked.where(there.offset(0).exists())
    if after is not None:
        asked = asked.where(tuple_(started, id) < after)
    return asked.order_by(started.desc(), id.desc()).limit(limit)


def _words(filters: Filters) -> Iterator[tuple[str, Sequence[str]]]:
    """Labels and fields that must be there, those first that are rarer as a rule."""
    yield from ((f"field.{key}", [value]) for key, value in filters.field)
    yield from ((f"label.{key}", [value]) for key, value in filters.label)


def _is(word: type[SearchValueRow], key: str, values: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return col(word.key) == key, col(word.value).in_(values)


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    row = ExecutionRow
    if filters.workflow is not None:
        name: Any = filters.workflow
        if name.startswith(ids.PREFIXES["workflow"]):
            yield col(row.workflow_id) == name
            # The indexes are by name, which few workflows share that followed each other.
            name = select(col(WorkflowRow.name)).where(col(WorkflowRow.id) == name).scalar_subquery()
        yield col(row.workflow) == name
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
    if filters.started_after is not None:
        yield col(row.started_at) > filters.started_after
    if filters.started_before is not None:
        yield col(row.started_at) < filters.started_before
    if filters.closed_after is not None:
        yield col(row.closed_at) > filters.closed_after
    if filters.closed_before is not None:
        yield col(row.closed_at) < filters.closed_before
        yield col(row.started_at) < filters.closed_before  # follows, and lets the index skip what is newer
    if filters.error_code is not None:
        code, column = filters.error_code, col(row.error_code)
        yield or_(column == code, and_(column > f"{code}.", column < f"{code}/"))  # "/" comes after "."
