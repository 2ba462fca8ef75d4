"""Numbers and chains the step events of one strand, and hands them to the sink."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from dag.events import EventType, StepEvent, checksum

SHOWN_BYTES = 64 * 1024
"""Larger values are named in events by their size only."""

Emit = Callable[[StepEvent, bool], None]
"""Takes an event, and whether it is said again in a replay."""


@dataclass(slots=True)
class Written:
    """How far a strand's journal has come: carried over continue-as-new."""

    n: int = 0
    checksum: int = 0


@dataclass(slots=True)
class Now:
    """What is the same for all that one activation says."""

    time: float = 0.0
    history_length: int = 0
    replaying: bool = False
    skew: float = 0.0
    """How far the clock is ahead of Temporal's, in a test."""


class Journal:
    """Writes the events of one strand, deterministically: a replay says the same again."""

    def __init__(
        self, tenant: str, execution: str, attempt: int, strand: str, *, written: Written, now: Now, emit: Emit
    ):
        self._tenant = tenant
        self._execution = execution
        self._attempt = attempt
        self._strand = strand
        self._written = written
        self._now = now
        self._emit = emit

    def say(self, type: EventType, path: str = "", data: JsonValue = None) -> None:
        """Something happened."""
        written, now = self._written, self._now
        previous = written.checksum
        written.n += 1
        written.checksum = checksum(previous, written.n, type, path, data)
        self._emit(
            # By place, and not by name: two are made for every node.
            StepEvent(
                self._execution,
                self._attempt,
                self._strand,
                written.n,
                type,
                path,
                now.time - now.skew,
                data,
                previous,
                written.checksum,
                now.history_length,
                self._tenant,
            ),
            now.replaying,
        )


def shown(name: str, value: JsonValue) -> dict[str, JsonValue]:
    """A value as events tell it: whole, or by its size."""
    if (
        value is None
        or isinstance(value, bool | int | float)
        or (isinstance(value, str) and len(value) < SHOWN_BYTES // 4)
    ):
        return {name: value}
    size = len(orjson.dumps(value))
    return {name: value} if size <= SHOWN_BYTES else {f"{name}_bytes": size}


def shown_text(name: str, text: bytes) -> dict[str, JsonValue]:
    """The same of a value that is JSON text already."""
    return {name: orjson.loads(text)} if len(text) <= SHOWN_BYTES else {f"{name}_bytes": len(text)}
