"""When something that waits for a time is due: one heap for all frames of an execution."""

import heapq
from collections.abc import Iterator

from interpreter.frames import Frame, Frames, Wait


class Alarms:
    """The waits themselves are state of their frames; what is no longer there never rings."""

    def __init__(self, frames: Frames):
        self._frames = frames
        self._heap = [
            (wait.until, frame.at.base + place) for frame in frames.all() for place, wait in frame.at.waits.items()
        ]
        heapq.heapify(self._heap)

    def set(self, frame: Frame, place: int, wait: Wait) -> None:
        """A node waits, for one time at a time."""
        frame.at.waits[place] = wait
        heapq.heappush(self._heap, (wait.until, frame.at.base + place))

    def due(self, now: float) -> Iterator[tuple[Frame, int, Wait]]:
        """What has come, the earliest first."""
        while self._heap and self._heap[0][0] <= now:
            _, number = heapq.heappop(self._heap)
            found = self._waiting(number)
            if found is not None and found[2].until <= now:
                yield found

    def first(self) -> tuple[Frame, int, Wait] | None:
        """What comes next."""
        while self._heap:
            found = self._waiting(self._heap[0][1])
            if found is not None:
                return found
            heapq.heappop(self._heap)
        return None

    def _waiting(self, number: int) -> tuple[Frame, int, Wait] | None:
        found = self._frames.find(number)
        if found is None:
            return None
        frame, place = found
        wait = frame.at.waits.get(place)
        return None if wait is None else (frame, place, wait)
