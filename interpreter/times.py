"""Times as people write them."""

from datetime import UTC, datetime


def iso(time: float) -> str:
    """A time as people write it, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
