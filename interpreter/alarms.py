"""When something that waits for a time is due: one heap for all frames of an execution."""

import heapq

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

    def take(self, now: float) -> tuple[Frame, int, Wait] | None:
        """What has come first, unless nothing has."""
        first = self.first()
        if first is None or first[2].until > now:
            return None
        heapq.heappop(self._heap)
        return first

    def first(self) -> tuple[Frame, int, Wait] | None:
        """What comes next."""
        while self._heap:
            until, number = self._heap[0]
            found = self._waiting(number)
            if found is not None and found[2].until == until:
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
