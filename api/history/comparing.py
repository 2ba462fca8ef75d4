"""Two executions beside each other: what went in and came out, and node run by node run."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import JsonValue

from api.paging import page
from dag.differences import Difference, differences
from store import comparison, executions
from store.comparison import Pair
from store.executions import Execution
from store.ids import ExecutionId
from store.session import Session


@dataclass(frozen=True)
class Summary:
    """One of the two."""

    id: str
    workflow: str
    version: int
    status: str
    attempt: int
    trigger: str
    error_code: str | None
    started_at: datetime
    closed_at: datetime | None
    seconds: float | None


@dataclass(frozen=True)
class Comparison:
    """Both, where they differ, and a page of their node runs."""

    one: Summary
    other: Summary
    differs: Sequence[str]
    input: Sequence[Difference]
    output: Sequence[Difference]
    items: Sequence[Pair]
    next: str | None


@dataclass(frozen=True)
class Asked:
    """Which executions, and which attempts at them; None: the newest."""

    one: ExecutionId
    other: ExecutionId
    attempt: int | None
    other_attempt: int | None
    only_different: bool


async def compared(session: Session, asked: Asked, *, after: str | None, limit: int) -> Comparison:
    """Compare. Raises ExecutionUnknown, AttemptUnknown."""
    attempts = [
        await executions.attempt(session, asked.one, asked.attempt),
        await executions.attempt(session, asked.other, asked.other_attempt),
    ]
    one, other = await executions.find(session, asked.one), await executions.find(session, asked.other)
    rows = await comparison.pairs(
        session,
        (asked.one, attempts[0]),
        (asked.other, attempts[1]),
        only_different=asked.only_different,
        after=after or "",
        limit=limit + 1,
    )
    items = page(session, rows, limit, key=lambda row: row.path)
    summaries = [_summary(each, attempt) for each, attempt in zip((one, other), attempts, strict=True)]
    # Large contents take a while, and other requests go on meanwhile.
    input, output = await asyncio.to_thread(_contents, one, other)
    differs = [name for name in _FIELDS if getattr(summaries[0], name) != getattr(summaries[1], name)]
    differs += [name for name, found in (("input", input), ("output", output)) if found]
    return Comparison(summaries[0], summaries[1], differs, input, output, items.items, items.next)


_FIELDS = ("workflow", "version", "status", "trigger", "error_code")


def _contents(one: Execution, other: Execution) -> tuple[list[Difference], list[Difference]]:
    return differences(_value(one.input), _value(other.input)), differences(_value(one.output), _value(other.output))


def _value(written: Any) -> JsonValue:
    return None if written is None else orjson.loads(orjson.dumps(written))


def _summary(execution: Execution, attempt: int) -> Summary:
    closed = execution.closed_at
    return Summary(
        id=execution.id,
        workflow=execution.workflow,
        version=execution.version,
        status=execution.status,
        attempt=attempt,
        trigger=execution.trigger,
        error_code=execution.error_code,
        started_at=execution.started_at,
        closed_at=closed,
        seconds=None if closed is None else (closed - execution.started_at).total_seconds(),
    )
