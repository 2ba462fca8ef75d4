"""Hands the sink what is known of attempts that have ended."""

import time

import orjson

from dag.errors import ErrorValue
from dag.json_writing import compact
from dag.masks import masked
from worker.attempt import Call
from worker.records import Attempt, Status
from worker.sink import Sink

MAX_RECORDED = 64 * 1024
"""Of a larger output only the size is kept."""


class Records:
    """Puts the record of an attempt together as it ends."""

    def __init__(self, sink: Sink, worker: str):
        self._sink = sink
        self._worker = worker

    def keep(
        self,
        call: Call,
        started_at: float,
        status: Status,
        *,
        error: ErrorValue | None = None,
        output: bytes | None = None,
    ) -> None:
        """An attempt has ended just now."""
        shown = None if output is None or len(output) > MAX_RECORDED else output
        if shown is not None and (mask := call.invocation.mask):
            shown = compact(orjson.dumps(masked(orjson.loads(shown), mask)))
        notes, whose = call.notes, call.whose
        log, dropped = notes.last_lines()
        self._sink.attempt(
            Attempt(
                whose.tenant,
                whose.execution,
                call.path,
                notes.attempt,
                call.type,
                started_at,
                time.time(),
                status,
                error,
                shown,
                None if output is None else len(output),
                notes.cached,
                notes.stored,
                log,
                dropped,
                self._worker,
                notes.cpu_seconds,
                notes.costs,
            )
        )
