"""An execution as one JSON document, written while it is read: however large it is, it is never held as a whole."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi.responses import StreamingResponse

from api.executions.temporal_word import with_output
from api.means import Means
from dag.draft import Document
from store import events, executions, logs, node_run_reading, versions
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.logs import Filters
from store.session import Session, session

FORMAT = 1
"""Of the document. It changes when a reader of the former one would go wrong; new fields do not change it."""
CHUNK = 500
"""Rows that are held at once."""

Reads = Callable[[Session, Any], Awaitable[tuple[Sequence[object], Any]]]
"""Reads what comes after a key (None: the beginning), and gives the key to go on from (None: that was all)."""


async def export(means: Means, tenant: TenantId, id: ExecutionId) -> StreamingResponse:
    """Begin to write. Raises ExecutionUnknown; what goes wrong later breaks the answer off."""
    async with session(means.database, tenant) as s:
        execution = await executions.find(s, id)
        document = await _document(s, execution)
    execution = await with_output(means, tenant, execution)
    headers = {"Content-Disposition": f'attachment; filename="{id}.json"'}
    return StreamingResponse(_written(means, tenant, execution, document), headers=headers, media_type=_JSON)


_JSON = "application/json"


async def _document(s: Session, execution: Execution) -> Document | None:
    if execution.workflow_id is None:
        return None
    return await versions.document(s, execution.workflow_id, execution.version)


async def _written(
    means: Means, tenant: TenantId, execution: Execution, document: Document | None
) -> AsyncGenerator[bytes]:
    head = {
        "format": FORMAT,
        "exported_at": datetime.now(UTC),
        "execution": execution,
        "definition": document,
    }
    yield _json(head)[:-1]
    for name, reads in _parts(execution).items():
        yield f',"{name}":['.encode()
        first, key = True, None
        while True:
            async with session(means.database, tenant) as s:  # none is held open while a slow reader takes its time
                rows, key = await reads(s, key)
            if rows:
                yield (b"" if first else b",") + _json([*rows])[1:-1]
                first = False
            if key is None:
                break
        yield b"]"
    yield b"}\n"


def _parts(execution: Execution) -> dict[str, Reads]:
    """The lists in it: of events and log lines those that there were when it began, so that it comes to an end."""
    id = execution.id

    async def node_runs(s: Session, key: tuple[int, int] | None) -> tuple[Sequence[object], Any]:
        rows = await node_run_reading.of_all_attempts(s, id, after=key or (0, 0), limit=CHUNK)
        return rows, (rows[-1].attempt, rows[-1].seq) if len(rows) == CHUNK else None

    async def entries(s: Session, key: int | None) -> tuple[Sequence[object], Any]:
        rows = await events.page(s, id, since=key or 0, limit=CHUNK)
        told = [row for row in rows if row.seq <= execution.seq]
        shown = [row for row in told if row.type not in logs.TYPES]
        return shown, told[-1].seq if len(told) == CHUNK else None

    async def lines(s: Session, key: int | None) -> tuple[Sequence[object], Any]:
        found = await logs.page(s, id, Filters(), since=key or 0, limit=CHUNK)
        told = [line for line in found.lines if line.seq <= execution.seq]
        return told, found.next if len(told) == len(found.lines) else None

    return {"node_runs": node_runs, "events": entries, "logs": lines}


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
