"""Keeps contents in memory, by key; those that were used least recently go when there are too many."""

from collections import OrderedDict


class Recent:
    """At most so many bytes, or all of them. For one thread."""

    def __init__(self, *, max_bytes: int | None = None):
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._max_bytes = max_bytes
        self.size = 0

    def find(self, key: str) -> bytes | None:
        """What is kept under a key."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def keep(self, key: str, content: bytes) -> None:
        """Keep content under a key that belongs to it for ever."""
        if key in self._kept:
            return self._kept.move_to_end(key)
        self._kept[key] = content
        self.size += len(content)
        while self._max_bytes is not None and self.size > self._max_bytes:
            self.size -= len(self._kept.popitem(last=False)[1])
