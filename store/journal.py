"""The journal: writes what happens in executions, and what lists and details show of it, a batch in one transaction.

Whoever starts an execution may write its row before or after: with `on conflict`, and leaving alone what is set here
(status, output, error, times, attempt, counters)."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import StepEvent
from dag.journal import Strand, strand
from store import cache, heads, node_run_records, node_runs
from store.arrays import array
from store.chains import REPLACED, Chain, Link, outdated, take, withdraw
from store.heads import Head
from store.node_run_records import Told
from store.node_runs import NodeRun
from store.session import Session
from store.spending import spent

CHANNEL = "perdure_journal"
"""Where listeners hear the ids of executions that something was written of, behind their tenant's."""
LOG = "log"
"""The type of a line that an attempt wrote: `{level, message, fields?, attempt}`."""
STORED = "stored_output"
"""What the record of an attempt says the id of, if that was used and nothing ran."""
CHANGED = "journal.replaced"
"""The event that tells readers which rows they must read again: they have other contents, or never happened."""
KILLED = frozenset({"execution.cancelled", "execution.timed_out"})
"""How executions end that were ended from outside: what ran in them says no more."""
NOTIFIED_BYTES = 7_900
"""PostgreSQL takes 8,000."""
LAST = 2**31 - 1
"""No number of a strand is larger."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step event, and whether a replay said it."""

    event: StepEvent
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What no strand numbers: an attempt that ended, a line of its log, an end that Temporal alone knows of."""

    execution: str
    type: str
    path: str
    at: float
    data: JsonValue

    @property
    def checksum(self) -> int:
        """The same for the same note, so that it is written once."""
        return zlib.crc32(orjson.dumps([self.type, self.path, self.at, self.data]))


Entry = Step | Note


@dataclass(slots=True)
class _Book:
    """What one execution's part of a batch comes to."""

    head: Head
    chains: dict[Strand, Chain] = field(default_factory=dict[Strand, Chain])
    rows: list["_Row"] = field(default_factory=list["_Row"])
    """To be inserted, in order."""
    links: list[tuple[Strand, Link]] = field(default_factory=list[tuple[Strand, Link]])
    """Rows that are there, with other content now."""
    numbered: set[tuple[Strand, int]] = field(default_factory=set[tuple[Strand, int]])
    runs: dict[tuple[int, str], NodeRun] = field(default_factory=dict[tuple[int, str], NodeRun])
    told: dict[tuple[int, str], Told] = field(default_factory=dict[tuple[int, str], Told])
    """What attempts say of node runs."""
    doubtful: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    """Node runs to be told anew from all their events."""
    killed_at: float | None = None
    """When it ended without a word of its own, if it did."""
    hits: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    """Stored outputs that were used, and when."""


@dataclass(slots=True)
class _Row:
    execution: str
    seq: int
    attempt: int
    type: str
    path: str
    at: float
    data: bytes | None
    checksum: int | None = None
    strand: str | None = None
    n: int | None = None
    previous: int | None = None
    task: int | None = None
    spent: str | None = None


async def write(session: Session, entries: Sequence[Entry], *, ends: Mapping[Strand, int] | None = None) -> None:
    """Write a batch of one tenant's, in any order and however often. `ends` says how many events strands have that have
    ended, of those in the batch: what is stored beyond never happened."""
    if not entries:
        return
    steps = [entry for entry in entries if isinstance(entry, Step)]
    notes = [entry for entry in entries if isinstance(entry, Note)]
    locked = await heads.lock(session, _beginnings(entries))
    books = {id: _Book(head) for id, head in locked.items()}
    for key, chain in (await _settled(session, steps, ends or {})).items():
        books[key[0]].chains[key] = chain
    known = await _known_notes(session, notes)
    for entry in entries:
        match entry:
            case Step(event):
                _number(session, books[event.execution], event)
            case Note():
                if (entry.execution, entry.checksum) not in known:
                    known.add((entry.execution, entry.checksum))
                    _note(session, books[entry.execution], entry)
    for book in books.values():
        _mend(session, book)
    changed = [book for book in books.values() if book.rows or book.links]
    if not changed:
        return
    await _store(session, changed)
    await _notify(session, [book.head.id for book in changed])


async def _settled(session: Session, steps: Sequence[Step], ends: Mapping[Strand, int]) -> dict[Strand, Chain]:
    """Every strand with what it is to be, as far as this batch touches it."""
    spans: dict[Strand, tuple[int, int]] = {}
    for step in steps:
        key, n = strand(step.event), step.event.n
        low, high = spans.get(key, (n, LAST if key in ends else n))
        spans[key] = (min(low, n - 1), max(high, min(n + 1, LAST)))
    while spans:
        chains = await _known(session, spans)
        for step in steps:
            take(chains[strand(step.event)], step.event, replayed=step.replayed)
        for key, chain in chains.items():
            withdraw(chain, end=ends.get(key))
        # Where the last row in sight was withdrawn, those behind it may have to go too.
        further = {key for key, chain in chains.items() if _goes_on(chain, spans[key][1])}
        if not further:
            return chains
        spans |= {key: (spans[key][0], LAST) for key in further}
    return {}


def _goes_on(chain: Chain, high: int) -> bool:
    return high < LAST and high in chain and chain[high].was is not None and chain[high].type == REPLACED


async def _known(session: Session, spans: Mapping[Strand, tuple[int, int]]) -> dict[Strand, Chain]:
    chains: dict[Strand, Chain] = {key: {} for key in spans}
    rows = await session.sql.execute(
        _KNOWN,
        {
            "executions": array(execution for execution, _, _ in spans),
            "attempts": array(attempt for _, attempt, _ in spans),
            "strands": array(name for _, _, name in spans),
            "low": array(low for low, _ in spans.values()),
            "high": array(high for _, high in spans.values()),
        },
    )
    for execution, attempt, name, *link in rows:
        chains[execution, attempt, name][link[0]] = Link(*link)
    return chains


_KNOWN = text("""
select e.execution_id, e.attempt, e.strand, e.n, e.seq, e.type, e.path, e.previous, e.checksum, e.task
from unnest(
    cast(:executions as text[]), cast(:attempts as int[]), cast(:strands as text[]),
    cast(:low as int[]), cast(:high as int[])
) as span (execution, attempt, strand, low, high)
cross join lateral (
    select * from events
    where execution_id = span.execution and attempt = span.attempt and strand = span.strand
        and n between span.low and span.high
    offset 0
) as e
order by e.execution_id, e.attempt, e.strand, e.n
""")
"""Without `offset 0` the planner may read all events of the tenant: it knows nothing of a table that fills up first."""


async def _known_notes(session: Session, notes: Sequence[Note]) -> set[tuple[str, int]]:
    """Those that a batch wrote which is now written again. What is new has no older neighbours at its time."""
    if not notes:
        return set()
    since: dict[tuple[str, str], float] = {}
    for note in notes:
        key = (note.execution, note.path)
        since[key] = min(since.get(key, note.at), note.at)
    rows = await session.sql.execute(
        _KNOWN_NOTES,
        {
            "executions": array(execution for execution, _ in since),
            "paths": array(path for _, path in since),
            "since": array(since.values()),
        },
    )
    return {(execution, checksum) for execution, checksum in rows}


_KNOWN_NOTES = text("""
select e.execution_id, e.checksum
from unnest(cast(:executions as text[]), cast(:paths as text[]), cast(:since as float8[])) as note (execution, path, at)
cross join lateral (
    select execution_id, checksum from events
    where execution_id = note.execution and path = note.path
        and strand is null and at >= to_timestamp(note.at) - interval '1 millisecond' and checksum is not null
    offset 0
) as e
""")


def _beginnings(entries: Iterable[Entry]) -> dict[str, datetime]:
    """The executions of a batch, and the earliest that it tells of each."""
    found: dict[str, float] = {}
    for entry in entries:
        id, at = (entry.event.execution, entry.event.at) if isinstance(entry, Step) else (entry.execution, entry.at)
        found[id] = min(found.get(id, at), at)
    return {id: datetime.fromtimestamp(at, UTC) for id, at in found.items()}


def _number(session: Session, book: _Book, event: StepEvent) -> None:
    """Give an event its place, if it is to be stored and has none."""
    key = strand(event)
    link = book.chains[key].get(event.n)
    if link is None or link.event is not event or (key, event.n) in book.numbered:
        return
    book.numbered.add((key, event.n))
    if link.seq:
        book.links.append((key, link))
    else:
        link.seq = _next(book.head)
        book.rows.append(
            _Row(
                event.execution,
                link.seq,
                event.attempt,
                event.type,
                event.path,
                event.at,
                _sealed(session, event.data),
                event.checksum,
                event.strand,
                event.n,
                event.previous,
                event.task,
            )
        )
    if event.type in node_runs.STATUSES:
        place = (event.attempt, event.path)
        run = book.runs.setdefault(place, NodeRun(event.strand, event.n, link.seq))
        node_runs.told(run, event, link.seq)


def _note(session: Session, book: _Book, note: Note) -> None:
    head, data = book.head, _sealed(session, note.data)
    row = _Row(head.id, _next(head), head.attempt, note.type, note.path, note.at, data, note.checksum)
    row.spent = spent(note.type, note.data)
    book.rows.append(row)
    if heads.noted(head, note.type, note.at, note.data, session.seal) and note.type in KILLED:
        book.killed_at = note.at
    node_run_records.told(book.told, head.attempt, note.path, note.type, note.at, note.data)
    if isinstance(note.data, dict) and isinstance(used := note.data.get(STORED), str):
        book.hits.append((used, note.at))


def _mend(session: Session, book: _Book) -> None:
    """Tell readers of what they must read again, and let the execution stand as its events say."""
    head = book.head
    seqs: list[JsonValue] = []
    for key, chain in book.chains.items():
        for link in outdated(chain):
            seqs.append(link.seq)
            book.doubtful |= {(key[1], path) for path in (link.was, link.path) if path}
            if link.closed:
                heads.reopen(head)
            if link.steered:
                heads.unpause(head)
            if link.type == REPLACED:
                book.links.append((key, link))
    for chain in book.chains.values():
        for link in chain.values():
            if link.event is not None and not link.event.path:
                heads.told(head, link.event, session.seal)
    if seqs:
        data = _sealed(session, {"seqs": seqs})
        book.rows.append(_Row(head.id, _next(head), head.attempt, CHANGED, "", datetime.now(UTC).timestamp(), data))


def _next(head: Head) -> int:
    head.last_seq += 1
    return head.last_seq


async def _store(session: Session, books: Sequence[_Book]) -> None:
    rows = [row for book in books for row in book.rows]
    if rows:
        await session.sql.execute(
            _INSERT,
            {
                "executions": array(row.execution for row in rows),
                "seqs": array(row.seq for row in rows),
                "attempts": array(row.attempt for row in rows),
                "strands": array(row.strand for row in rows),
                "ns": array(row.n for row in rows),
                "types": array(row.type for row in rows),
                "paths": array(row.path for row in rows),
                "ats": array(row.at for row in rows),
                "data": array(row.data for row in rows),
                "previous": array(row.previous for row in rows),
                "checksums": array(row.checksum for row in rows),
                "tasks": array(row.task for row in rows),
                "spent": array(row.spent for row in rows),
            },
        )
    links = [link for book in books for link in book.links]
    if links:
        await session.sql.execute(
            _REPLACE,
            {
                "executions": array(key[0] for key, _ in links),
                "seqs": array(link.seq for _, link in links),
                "types": array(link.type for _, link in links),
                "paths": array(link.path for _, link in links),
                "ats": array(link.event.at if link.event else None for _, link in links),
                "data": array(_sealed(session, link.event.data) if link.event else None for _, link in links),
                "previous": array(link.previous for _, link in links),
                "checksums": array(link.checksum for _, link in links),
                "tasks": array(link.task for _, link in links),
            },
        )
    runs = {
        (book.head.id, *place): run for book in books for place, run in book.runs.items() if place not in book.doubtful
    }
    await node_runs.store(session, runs)
    await node_runs.tell_anew(session, [(book.head.id, *place) for book in books for place in sorted(book.doubtful)])
    for book in books:
        if book.killed_at is not None:
            await node_runs.settle(session, book.head.id, None, book.killed_at)
    await node_run_records.store(
        session, {(book.head.id, *place): told for book in books for place, told in book.told.items()}
    )
    await heads.store(session, [book.head for book in books])
    if hits := [hit for book in books for hit in book.hits]:
        await cache.count(session, hits)


_INSERT = text("""
insert into events
    (execution_id, seq, attempt, strand, n, type, path, at, data, previous, checksum, task, spent)
select execution, seq, attempt, strand, n, type, path, to_timestamp(at), data, previous, checksum, task,
    cast(spent as json)
from unnest(
    cast(:executions as text[]), cast(:seqs as bigint[]), cast(:attempts as int[]), cast(:strands as text[]),
    cast(:ns as int[]), cast(:types as text[]), cast(:paths as text[]), cast(:ats as float8[]), cast(:data as bytea[]),
    cast(:previous as bigint[]), cast(:checksums as bigint[]), cast(:tasks as bigint[]), cast(:spent as text[])
) as row (execution, seq, attempt, strand, n, type, path, at, data, previous, checksum, task, spent)
""")
_REPLACE = text("""
update events as e
set type = row.type, path = row.path, at = coalesce(to_timestamp(row.at), e.at), data = row.data,
    previous = row.previous, checksum = row.checksum, task = row.task
from unnest(
    cast(:executions as text[]), cast(:seqs as bigint[]), cast(:types as text[]), cast(:paths as text[]),
    cast(:ats as float8[]), cast(:data as bytea[]), cast(:previous as bigint[]), cast(:checksums as bigint[]),
    cast(:tasks as bigint[])
) as row (execution, seq, type, path, at, data, previous, checksum, task)
where e.execution_id = row.execution and e.seq = row.seq
""")


async def _notify(session: Session, executions: Sequence[str]) -> None:
    payloads: list[str] = [session.tenant]
    for id in executions:
        if len(payloads[-1]) + len(id) >= NOTIFIED_BYTES:
            payloads.append(session.tenant)
        payloads[-1] = f"{payloads[-1]} {id}"
    await session.sql.execute(_NOTIFY, {"channel": CHANNEL, "payloads": array(payloads)})


_NOTIFY = text("select pg_notify(:channel, payload) from unnest(cast(:payloads as text[])) as payload")


def _sealed(session: Session, data: JsonValue) -> bytes | None:
    return None if data is None else session.seal.seal(orjson.dumps(data))
