"""How much one workflow task carries: Temporal takes 4 MiB in one message, and gives up on a task after seconds."""

INLINE = 64 * 1024
"""Payloads of at least so many bytes leave the history; a reference stays."""
REFERENCE = 400
MOST_INLINE = 1024 * 1024
MOST_VOLUME = 32 * 1024 * 1024
"""Bytes to write or read, wherever they go: about half a second."""
MOST_MARKERS = 250
"""Results of local activities: about a second on a busy machine. A task that lasts for five is done all over again, and
only between tasks does Temporal say how long the history is."""


class Load:
    """What the workflow task under way adds to the history, and has to handle."""

    def __init__(self) -> None:
        self._inline = 0
        self._volume = 0
        self._markers = 0

    def clear(self) -> None:
        """A new workflow task begins."""
        self._inline = self._volume = self._markers = 0

    def add(self, size: int) -> None:
        """Take on a payload of so many bytes."""
        self._inline += size if size < INLINE else REFERENCE
        self._volume += size

    def mark(self) -> None:
        """A local activity has ended."""
        self._markers += 1

    @property
    def full(self) -> bool:
        """Whether the rest is for the next workflow task."""
        return self._inline > MOST_INLINE or self._volume > MOST_VOLUME or self._markers > MOST_MARKERS
