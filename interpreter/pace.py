"""What depended on the speed of a machine, kept in history."""

from collections.abc import Callable

from interpreter.journal import Now


class RecordedPace:
    """Keeps in history, as patch markers, what depended on the machine's speed: replays ask history, not the clock."""

    def __init__(self, now: Now, patched: Callable[[str], bool]) -> None:
        self._now = now
        self._patched = patched
        self._computations = 0
        self._turns = 0

    def recall(self) -> bool | None:
        """As a Pace."""
        self._computations += 1
        return self._patched(f"slow-{self._computations}") if self._now.replaying else None

    def record(self) -> None:
        """As a Pace."""
        self._patched(f"slow-{self._computations}")

    def breathes(self, *, tired: bool) -> bool:
        """Whether the workflow task ends here."""
        self._turns += 1
        if tired or self._now.replaying:
            return self._patched(f"breath-{self._turns}")
        return False
