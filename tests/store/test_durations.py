"""Percentiles that are read from buckets are close to those of the numbers themselves."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from store.durations import durations

LENGTHS = st.lists(st.integers(0, 10**13), min_size=1, max_size=60)


def bucket(took: int) -> str:
    """As the database does it."""
    return f"d:{0 if took < 1000 else 1 + math.floor(math.log(took / 1000) * 20)}"


@given(LENGTHS)
def test_every_percentile_is_within_two_and_a_half_percent(lengths: list[int]) -> None:
    found = durations({**Counter(bucket(took) for took in lengths), "time": sum(lengths)})
    assert found is not None
    assert found.count == len(lengths)
    assert math.isclose(found.mean, sum(lengths) / len(lengths) / 1e6, rel_tol=1e-9)
    ordered = sorted(lengths)
    for share, told in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99), (1.0, found.max)):
        exact = ordered[math.ceil(share * len(ordered)) - 1] / 1e6
        assert math.isclose(told, exact, rel_tol=0.0250001) or (told == 0 and exact < 0.001)


def test_of_nothing_there_is_no_length() -> None:
    assert durations({"s:skipped": 3}) is None
