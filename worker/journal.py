"""Writes what the sink hands over into the journal of each tenant."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from pydantic import JsonValue

from store import journal
from store.database import Database, StoreUnavailable
from store.ids import TenantId
from store.journal import LOG, STORED, Note
from store.node_run_records import PROGRESS
from store.session import session
from worker.dependencies import Wake
from worker.records import Attempt, Lines, LogLine, Progress, Record
from worker.sink import Entry, Step, Unavailable

logger = logging.getLogger("perdure.journal")

LARGE = 400
"""Entries that are worth a second transaction beside the first: while the database is busy with one, the other is
sealed."""


def writing(database: Database, wake: Wake | None = None) -> Callable[[Sequence[Entry]], Awaitable[None]]:
    """What a BufferedSink writes with: one transaction a tenant, or two of a large batch, each for executions of its
    own. Written again, a batch changes nothing. `wake` is told of executions that have succeeded."""

    async def write(batch: Sequence[Entry]) -> None:
        by_tenant: dict[str, list[journal.Entry]] = {}
        for entry in batch:
            if tenant := entry.event.tenant if isinstance(entry, Step) else entry.tenant:
                by_tenant.setdefault(tenant, []).extend(_entries(entry))
        for tenant, entries in by_tenant.items():
            writes = (_write(database, TenantId(tenant), part) for part in _parts(entries))
            for failed in await asyncio.gather(*writes, return_exceptions=True):
                if isinstance(failed, StoreUnavailable):
                    raise Unavailable from failed
                if failed is not None:
                    raise failed
            if wake is not None and (succeeded := [_execution(each) for each in entries if _is_success(each)]):
                wake(TenantId(tenant), succeeded)

    return write


def _parts(entries: Sequence[journal.Entry]) -> Sequence[Sequence[journal.Entry]]:
    """Two parts of a large batch that share no execution."""
    if len(entries) < LARGE:
        return [entries]
    parts: tuple[list[journal.Entry], list[journal.Entry]] = ([], [])
    for each in _by_execution(entries).values():
        min(parts, key=len).extend(each)
    return [part for part in parts if part]


async def _write(database: Database, tenant: TenantId, entries: Sequence[journal.Entry]) -> None:
    try:
        async with session(database, tenant) as opened:
            await journal.write(opened, entries)
    except StoreUnavailable:
        raise
    except Exception:
        # A bug that one execution brings out must cost no other one its journal; step events come back by healing.
        executions = _by_execution(entries)
        if len(executions) == 1:
            logger.exception("%d records of %s/%s cannot be written", len(entries), tenant, *executions)
            return
        for execution in sorted(executions):
            await _write(database, tenant, executions[execution])


def _by_execution(entries: Sequence[journal.Entry]) -> Mapping[str, Sequence[journal.Entry]]:
    found: dict[str, list[journal.Entry]] = {}
    for entry in entries:
        found.setdefault(_execution(entry), []).append(entry)
    return found


def _entries(entry: Entry) -> list[journal.Entry]:
    return [journal.Step(entry.event, entry.replaying)] if isinstance(entry, Step) else list(_notes(entry))


def _notes(record: Record) -> list[Note]:
    match record:
        case Lines():
            return [_line(record, line) for line in record.lines]
        case Progress():
            data: dict[str, JsonValue] = {"fraction": record.fraction, "message": record.message}
            data["attempt"] = record.attempt
            return [Note(record.execution, PROGRESS, record.path, record.at, data)]
        case Attempt():
            return _ended(record)


def _line(record: Lines | Attempt, line: LogLine) -> Note:
    data: dict[str, JsonValue] = {"level": line.level, "message": line.message, "attempt": record.attempt}
    if line.fields:
        data["fields"] = dict(line.fields)
    return Note(record.execution, LOG, record.path, line.at, data)


def _ended(attempt: Attempt) -> list[Note]:
    """The lines of its log that were not told before, then how it ended."""
    lines = [_line(attempt, line) for line in attempt.log]
    data: dict[str, JsonValue] = {
        "type": attempt.type,
        "attempt": attempt.attempt,
        "seconds": round(attempt.ended_at - attempt.started_at, 6),
        "cpu_seconds": round(attempt.cpu_seconds, 6),
        "worker": attempt.worker,
    }
    if attempt.cost:
        data["cost"] = dict(attempt.cost)
    if attempt.error is not None:
        data["error"] = attempt.error.model_dump(mode="json", exclude_none=True)
    if attempt.output is not None:
        data["output"] = orjson.loads(attempt.output)
    elif attempt.output_size is not None:
        data["output_bytes"] = attempt.output_size
    if attempt.cached is not None:
        data["cached"] = attempt.cached
    if attempt.stored is not None:
        data[STORED] = attempt.stored
    if attempt.log_dropped:
        data["log_dropped"] = attempt.log_dropped
    return [*lines, Note(attempt.execution, f"attempt.{attempt.status}", attempt.path, attempt.ended_at, data)]


def _is_success(entry: journal.Entry) -> bool:
    return isinstance(entry, journal.Step) and entry.event.type == "execution.succeeded"


def _execution(entry: journal.Entry) -> str:
    return entry.event.execution if isinstance(entry, journal.Step) else entry.execution
