"""The clock of an execution: Temporal's, unless a test moves it."""

from dataclasses import dataclass, field
from typing import Protocol

from dag.testing.mode import Mode


@dataclass
class Progress:
    """How far a test has come, beside the execution itself; carried over continue-as-new."""

    skipped: float = 0.0
    """Seconds that the clock has jumped over."""
    uses: dict[str, int] = field(default_factory=dict[str, int])
    """How often each mock has answered."""
    decisions: list[tuple[float, str, int]] = field(default_factory=list[tuple[float, str, int]])
    """Those to come: when, to which task by its path, which one."""
    events: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    begun: bool = False
    """Whether it is known when events come."""


class Carries(Protocol):
    """What is carried over continue-as-new, as far as the clock goes by it."""

    test: Progress | None


class Clock:
    """Tells the time of a test from Temporal's."""

    def __init__(self, mode: Mode | None):
        self._mode = mode
        self._progress = Progress() if mode is None else Progress(mode.skipped)

    def goes_by(self, carried: Carries) -> None:
        """Go on from where the execution stands."""
        if self._mode is not None:
            carried.test = self._progress = carried.test or self._progress

    def at(self, real: float) -> float:
        """The time, as Temporal's is that."""
        mode = self._mode
        if mode is None:
            return real
        if mode.begins_at is not None:
            return mode.begins_at + self._progress.skipped
        return real + self._progress.skipped

    @property
    def jumps(self) -> bool:
        """Whether nothing is waited for."""
        return self._mode is not None and self._mode.time != "real"
