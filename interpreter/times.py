"""Times as people write them."""

from datetime import UTC, datetime


def iso(time: float) -> str:
    """A time as people write it, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float:
    """A time in seconds since the epoch; what is none, from whoever signals by hand, counts as later than all."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("inf")
