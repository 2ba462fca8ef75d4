"""Puts what a replay says of an execution itself in the place of its row, and says what that changes.

Whoever only wants to know what differs undoes the transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text

from dag.events import StepEvent
from dag.sub_workflows import Origin
from store import executions, heads
from store.arrays import array
from store.chains import ENDINGS, REPLACED
from store.differences import Difference, same_time
from store.heads import Head
from store.ids import ExecutionId
from store.journal import Note
from store.rebuilding import lock, strays
from store.session import Session


@dataclass(frozen=True)
class Known:
    """What Temporal knows of an execution itself."""

    events: Sequence[StepEvent]
    """Those without a path that its own strand has said, of all attempts, in order; at least one."""
    end: Note | None = None
    """How it ended, where it could not say so itself."""
    origin: Origin | None = None
    """Which execution started it."""
    rerun_of: str | None = None


async def head(session: Session, execution: ExecutionId, known: Known) -> list[Difference]:
    """Rebuild the row of an execution, and the words that it is found by, after its strands. Stored events that are
    earlier or later than those that are known count too. Node runs go that no event tells of."""
    before = await _read(session, execution)
    await lock(session, known.events[0])
    stray = await strays(session, execution)
    events = [*known.events, *await _others(session, execution, known)]
    await session.sql.execute(_FORGET_WORDS, {"id": execution})
    attempts: dict[int, list[StepEvent]] = {}
    for event in sorted(events, key=lambda event: (event.attempt, event.n)):
        attempts.setdefault(event.attempt, []).append(event)
    for number, told in attempts.items():
        row = await _read(session, execution)
        assert row is not None  # it is locked
        anew = Head(execution, number, row.columns["last_seq"], None)
        heads.reopen(anew)
        for event in told:
            heads.told(anew, event, session.seal)
        if number == max(attempts):
            await _noted(session, anew, known.end)
        if anew.input is not None and row.columns["input"] != orjson.loads(anew.input):
            await session.sql.execute(_FORGET_INPUT, {"id": execution})
        await heads.store(session, [anew])
    if known.origin is not None:
        await executions.trace(session, execution, known.origin)
    if known.rerun_of is not None:
        await session.sql.execute(_RERUN_OF, {"id": execution, "source": known.rerun_of})
    after = await _read(session, execution)
    assert after is not None
    return [*stray, *_compared(execution, before, after)]


async def _others(session: Session, execution: ExecutionId, known: Known) -> list[StepEvent]:
    """The execution may have gone on, and Temporal may have forgotten its beginning."""
    first, last = known.events[0], known.events[-1]
    values: dict[str, Any] = {
        "id": execution,
        "replaced": REPLACED,
        "first_attempt": first.attempt,
        "first": first.n,
        "last_attempt": last.attempt,
        "last": last.n,
    }
    return [_event(session, execution, row) for row in await session.sql.execute(_OTHERS, values)]


async def noted(session: Session, execution: ExecutionId, *, attempt: int) -> list[Note]:
    """What the journal has of words on the end of an attempt that are not its own."""
    values = {"id": execution, "attempt": attempt, "types": array(ENDINGS)}
    rows = await session.sql.execute(_NOTES, values)
    return [Note(execution, type, "", at, _opened(session, data)) for type, at, data in rows]


async def _noted(session: Session, head: Head, end: Note | None) -> None:
    """Take those words, and if there are none, Temporal's."""
    for note in await noted(session, ExecutionId(head.id), attempt=head.attempt):
        heads.noted(head, note.type, note.at, note.data, session.seal)
    if end is not None:
        heads.noted(head, end.type, end.at, end.data, session.seal)


_OTHERS = text("""
select attempt, n, type, path, extract(epoch from at)::float8 as at, data from events
where execution_id = :id and path = '' and strand = '' and type <> :replaced
    and ((attempt, n) < (:first_attempt, :first) or (attempt, n) > (:last_attempt, :last))
""")
_NOTES = text("""
select type, extract(epoch from at)::float8, data from events
where execution_id = :id and path = '' and strand is null and attempt = :attempt
    and type = any(cast(:types as text[]))
order by seq
""")
_FORGET_WORDS = text("""
delete from search_values where execution_id = :id and (key = 'error' or starts_with(key, 'field.'))
""")
_FORGET_INPUT = text("update executions set input = null where id = :id")
_RERUN_OF = text("update executions set rerun_of = :source where id = :id and rerun_of is null")


@dataclass(frozen=True)
class _Stored:
    columns: Mapping[str, Any]
    words: Mapping[tuple[str, str], float]
    """With the time that they stand under."""


async def _read(session: Session, execution: ExecutionId) -> _Stored | None:
    row = (await session.sql.execute(_ROW, {"id": execution})).mappings().first()
    if row is None:
        return None
    opened = {name: _opened(session, row[name]) for name in ("input", "output", "error")}
    words = await session.sql.execute(_WORDS, {"id": execution})
    return _Stored({**row, **opened}, {(key, value): at for key, value, at in words})


_ROW = text("""
select workflow, version, status, compensation, attempt, trigger, input, output, output_bytes, error, error_code,
    extract(epoch from started_at)::float8 as started_at, extract(epoch from closed_at)::float8 as closed_at,
    parent_execution, parent_path, rerun_of, steered_n, last_seq
from executions where id = :id
""")
_WORDS = text("""
select key, value, extract(epoch from started_at)::float8 from search_values
where execution_id = :id and (key = 'error' or starts_with(key, 'field.'))
""")
_TIMES = frozenset({"started_at", "closed_at"})


def _compared(execution: ExecutionId, before: _Stored | None, after: _Stored) -> list[Difference]:
    if before is None:
        return [Difference("executions", execution, "missing")]
    others = tuple(
        name
        for name, value in after.columns.items()
        if not (same_time(value, before.columns[name]) if name in _TIMES else value == before.columns[name])
    )
    differences = [Difference("executions", execution, "other", others)] if others else []
    for word in sorted(before.words.keys() | after.words.keys()):
        key, _ = word
        if word not in before.words:
            differences.append(Difference("search_values", key, "missing"))
        elif word not in after.words:
            differences.append(Difference("search_values", key, "false"))
        elif not same_time(before.words[word], after.words[word]):
            differences.append(Difference("search_values", key, "other", ("started_at",)))
    return differences


def _event(session: Session, execution: ExecutionId, row: Any) -> StepEvent:
    data = _opened(session, row.data)
    return StepEvent(execution, row.attempt, "", row.n, row.type, row.path, row.at, data, 0, 0, 0)


def _opened(session: Session, content: bytes | None) -> Any:
    return None if content is None else orjson.loads(session.seal.open(content))
