"""What streams say: JSON objects of several kinds, each written once for all who are told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from store.events import Event
from store.execution_search import Listed
from store.ids import ExecutionId
from store.snapshots import Snapshot
from store.tails import Standing

Kind = Literal["snapshot", "events", "executions", "resync", "heartbeat", "truncated", "end", "close"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as it goes out."""

    kind: Kind
    text: str
    seq: int | None = None
    """Where a stream can be taken up again after it."""
    execution: ExecutionId | None = None
    """Of which that is the number."""


def snapshot(found: Snapshot) -> Message:
    """How an execution stands as its stream begins."""
    shown = {"execution": found.execution, "nodes": found.nodes, "more_nodes": found.more_nodes}
    return _message("snapshot", shown, seq=found.execution.seq, execution=ExecutionId(found.execution.id))


def events(execution: ExecutionId, items: Sequence[Event]) -> Message:
    """What happened next."""
    return _message("events", {"execution": execution, "items": items}, seq=items[-1].seq, execution=execution)


def resync(execution: ExecutionId, seq: int) -> Message:
    """Events are left out: whoever shows something reads it again, and goes on after this number."""
    return _message("resync", {"execution": execution, "seq": seq}, seq=seq, execution=execution)


def end(execution: Standing) -> Message:
    """An execution has ended, and all that happened has been told."""
    return _message("end", {"execution": execution}, seq=execution.seq, execution=ExecutionId(execution.id))


def truncated(most: int) -> Message:
    """More executions were started than one stream tells of."""
    return _message("truncated", {"most": most})


def first_executions(items: Sequence[Listed]) -> Message:
    """The newest executions of a list, as its stream begins."""
    return _message("snapshot", {"items": items})


def changed_executions(items: Sequence[Listed], left: Sequence[str]) -> Message:
    """Executions of a list as they are now, and which others changed that are not in it."""
    return _message("executions", {"items": items, "left": left})


def reload() -> Message:
    """Changes of a list may have been missed: it follows anew."""
    return _message("resync", {})


def heartbeat() -> Message:
    """The stream is alive, though there is nothing to say."""
    return _message("heartbeat", {"at": datetime.now(UTC)})


def close(code: int, reason: str) -> Message:
    """The last word, where the way has none of its own."""
    return _message("close", {"code": code, "reason": reason})


def _message(
    kind: Kind, told: Mapping[str, object], *, seq: int | None = None, execution: ExecutionId | None = None
) -> Message:
    return Message(kind, orjson.dumps({"kind": kind, **told}, option=orjson.OPT_UTC_Z).decode(), seq, execution)
