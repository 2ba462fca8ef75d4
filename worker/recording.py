"""Hands the sink what is known of attempts that have ended."""

import asyncio
import time
from dataclasses import dataclass

import orjson

from dag.errors import ErrorValue
from dag.masks import masked
from worker.attempt import Call
from worker.notes import Notes
from worker.records import Attempt, Status
from worker.sink import Sink

MAX_RECORDED = 64 * 1024
"""Of a larger output only the size is kept."""


@dataclass(slots=True)
class _Ended:
    call: Call
    notes: Notes
    started_at: float
    ended_at: float
    status: Status
    error: ErrorValue | None
    output: bytes | None


class Records:
    """Takes attempts as they end, and puts their records together a moment later: the answer to Temporal goes first,
    since the execution waits for it; and for many that end at once it is less work."""

    def __init__(self, sink: Sink, worker: str):
        self._sink = sink
        self._worker = worker
        self._ended: list[_Ended] = []

    def keep(
        self,
        call: Call,
        notes: Notes,
        started_at: float,
        status: Status,
        *,
        error: ErrorValue | None = None,
        output: bytes | None = None,
    ) -> None:
        """An attempt has ended just now."""
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._tell)
        self._ended.append(_Ended(call, notes, started_at, time.time(), status, error, output))

    def _tell(self) -> None:
        ended, self._ended = self._ended, []
        for each in ended:
            self._sink.attempt(self._record(each))

    def _record(self, ended: _Ended) -> Attempt:
        call, notes, output = ended.call, ended.notes, ended.output
        shown = None if output is None or len(output) > MAX_RECORDED else output
        if shown is not None and (mask := call.invocation.mask):
            shown = orjson.dumps(masked(orjson.loads(shown), mask))
        log, dropped = notes.last_lines()
        return Attempt(
            call.tenant,
            call.execution,
            call.path,
            notes.attempt,
            call.type,
            ended.started_at,
            ended.ended_at,
            ended.status,
            ended.error,
            shown,
            None if output is None else len(output),
            notes.cached,
            notes.stored,
            log,
            dropped,
            self._worker,
            notes.usage.cpu_seconds,
            notes.usage.costs(),
        )
