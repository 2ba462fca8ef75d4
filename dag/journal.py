"""Which of two events of one number is right, and where a chain of events is broken."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from dag.events import StepEvent

Strand = tuple[str, int, str]
"""Execution, attempt and strand: what numbers its own events."""


@dataclass(frozen=True)
class Gap:
    """Event `n` of a strand is missing, or the event that came after it did not come after this one."""

    strand: Strand
    n: int


class Said(Protocol):
    """What decides between two events of one number."""

    @property
    def checksum(self) -> int: ...
    @property
    def task(self) -> int: ...


def strand(event: StepEvent) -> Strand:
    """Say who numbered it."""
    return event.execution, event.attempt, event.strand


def replaces(new: Said, old: Said, *, replayed: bool) -> bool:
    """A replay tells what is in Temporal's history, so it is right wherever it differs. Of two live ones the later task
    is right: an earlier one was lost or abandoned, and Temporal had it done again."""
    return new.checksum != old.checksum if replayed else new.task > old.task


def gaps(events: Iterable[StepEvent]) -> list[Gap]:
    """Find where chains are broken; a tail that is missing breaks none."""
    strands: dict[Strand, dict[int, StepEvent]] = {}
    for event in events:
        strands.setdefault(strand(event), {})[event.n] = event
    return [
        Gap(key, n)
        for key, chain in strands.items()
        for n in range(1, max(chain) + 1)
        if n not in chain or (n + 1 in chain and chain[n + 1].previous != chain[n].checksum)
    ]
