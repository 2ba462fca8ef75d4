"""Step events as strands say them, and what the journal made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from pydantic import JsonValue
from sqlalchemy import text

from dag.events import EventType, StepEvent, checksum
from store.database import Database
from store.ids import TenantId
from store.session import session

STARTED: dict[str, JsonValue] = {"workflow": "demo", "version": 3, "trigger": "manual", "input": {"a": 1}}
BEGAN = 1_700_000_000.0


class Strand:
    """Says events one after the other."""

    def __init__(self, execution: str = "ex_1", *, attempt: int = 1, strand: str = "") -> None:
        self._execution, self._attempt, self._strand = execution, attempt, strand
        self.n = self._checksum = 0
        self.said: list[StepEvent] = []

    def say(self, type: EventType, path: str = "", data: JsonValue = None, *, task: int = 3) -> StepEvent:
        previous, self.n = self._checksum, self.n + 1
        self._checksum = checksum(previous, self.n, type, path, data)
        place = (self._execution, self._attempt, self._strand, self.n, type, path)
        event = StepEvent(*place, BEGAN + self.n, data, previous, self._checksum, task, tenant="acme")
        self.said.append(event)
        return event

    def back_to(self, n: int) -> "Strand":
        """The same strand as another worker goes on with it after event n."""
        other = Strand(self._execution, attempt=self._attempt, strand=self._strand)
        other.said = self.said[:n]
        other.n = n
        other._checksum = self.said[n - 1].checksum if n else 0
        return other


def whole(execution: str = "ex_1", nodes: Sequence[str] = ("a", "b")) -> list[StepEvent]:
    """All that an execution of a few nodes says."""
    strand = Strand(execution)
    strand.say("execution.started", data=STARTED)
    for node in nodes:
        strand.say("node.started", node, {"type": "transform"}, task=4)
        strand.say("node.succeeded", node, {"output": node, "port": "out"}, task=5)
    strand.say("execution.succeeded", data={"output": "done"}, task=6)
    return strand.said


@dataclass(frozen=True)
class Stored:
    """A row of the journal."""

    seq: int
    attempt: int
    strand: str | None
    n: int | None
    type: str
    path: str
    data: Any
    checksum: int | None


async def stored(store: Database, tenant: TenantId, execution: str = "ex_1") -> list[Stored]:
    """The journal of an execution, in the order in which readers see it."""
    async with session(store, tenant) as opened:
        rows = await opened.sql.execute(
            text("""
            select seq, attempt, strand, n, type, path, data, checksum from events
            where execution_id = :execution order by seq"""),
            {"execution": execution},
        )
        return [
            Stored(
                row.seq,
                row.attempt,
                row.strand,
                row.n,
                row.type,
                row.path,
                None if row.data is None else orjson.loads(opened.seal.open(row.data)),
                row.checksum,
            )
            for row in rows
        ]


async def rows(store: Database, tenant: TenantId, table: str) -> dict[str, dict[str, Any]]:
    """The rows of executions by id, or of node runs by path, with what is sealed opened."""
    async with session(store, tenant) as opened:
        found = (await opened.sql.execute(text(f"select * from {table}"))).mappings().all()
        return {
            cast(str, row["path" if table == "node_runs" else "id"]): {
                name: orjson.loads(opened.seal.open(value)) if isinstance(value, bytes) else value
                for name, value in row.items()
            }
            for row in found
        }
