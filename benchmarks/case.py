"""What a benchmark is: contenders that do the same work, and what ours may cost at most."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from temporalio.client import Client

OURS = "Perdure"
BY_HAND = "temporalio by hand"

Facts = Mapping[str, int]


@dataclass(frozen=True)
class Stage:
    """What every case finds running: Temporal's server and a worker of each side."""

    address: str
    """Of Temporal."""
    client: Client
    ours: str
    """The task queue of our worker."""
    by_hand: str
    """The task queue of the hand-written worker."""
    folder: Path
    """Where the servers of a case may keep their data and logs."""


@dataclass(frozen=True)
class Contender:
    name: str
    run: Callable[[], Awaitable[float]]
    """Does the work once, checks its result and gives the seconds it took."""
    facts: Callable[[], Awaitable[Facts]] | None = None
    """What else there is to know of the last run."""


@dataclass(frozen=True)
class Limit:
    """What ours may be at most: a ratio to another contender, seconds more than another's, or seconds; a rate is what
    it must come to at least, a second."""

    kind: Literal["ratio", "difference", "seconds", "rate"]
    bound: float
    against: str | None = None


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    contenders: Callable[[Stage], AbstractAsyncContextManager[Sequence[Contender]]]
    """The first is ours."""
    limits: tuple[Limit, ...] = ()
    samples: int = 1
    """Samples of each contender per repetition: more when the work is short."""
    most: int | None = None
    """Samples at most, when the work is long."""
    warm_up: int = 2
    """Rounds before the first that counts."""
    count: int = 1
    """Of executions, or of events, in one sample: more than one is told as a rate too."""
    prepare: Callable[[], Awaitable[object]] | None = None
    """Done before anything is measured: a run is not to break off in its middle for want of a package."""

    def rounds(self, repeat: int) -> int:
        return min(repeat * self.samples, self.most or repeat * self.samples)
