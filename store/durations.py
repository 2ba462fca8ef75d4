"""Lengths of time, from how many fell into each bucket of the sums."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

BUCKETS = 20
"""To one power of e: each is so wide that its middle is within 2.5 % of everything in it."""
PREFIX = "d:"
_WIDTH = math.exp(1 / BUCKETS)
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Durations:
    """What they come to, in seconds. Only the mean is exact; the others are within 2.5 %, and 0 below a millisecond."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


def durations(sums: Mapping[str, int]) -> Durations | None:
    """Those of which sums are; None: there are none."""
    buckets = sorted((int(key.removeprefix(PREFIX)), n) for key, n in sums.items() if key.startswith(PREFIX) and n > 0)
    count = sum(n for _, n in buckets)
    if not count:
        return None
    return Durations(
        count=count,
        mean=sums.get("time", 0) / count / _MICROSECONDS,
        p50=_percentile(buckets, math.ceil(count * 0.5)),
        p95=_percentile(buckets, math.ceil(count * 0.95)),
        p99=_percentile(buckets, math.ceil(count * 0.99)),
        max=_middle(buckets[-1][0]),
    )


def _percentile(buckets: list[tuple[int, int]], rank: int) -> float:
    """The one of that rank, from the shortest: a number that was measured, not one between two."""
    seen = 0
    for bucket, n in buckets:
        seen += n
        if seen >= rank:
            return _middle(bucket)
    return _middle(buckets[-1][0])


def _middle(bucket: int) -> float:
    """What is equally far, in its own proportion, from both ends of a bucket."""
    return 0.0 if bucket == 0 else 2 * _WIDTH**bucket / (1 + _WIDTH) / 1_000
