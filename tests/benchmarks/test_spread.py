"""The arithmetic of the benchmarks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spread import difference, ratio, spread

SAMPLES = st.lists(st.floats(min_value=0.001, max_value=1000), min_size=1, max_size=50)


@given(SAMPLES)
def test_the_five_numbers_stand_in_order(samples: list[float]) -> None:
    found = spread(samples)
    assert found.low <= found.first_quartile <= found.median <= found.third_quartile <= found.high
    assert (found.low, found.high, found.count) == (min(samples), max(samples), len(samples))


def test_a_ratio_compares_medians_and_spreads_over_pairs() -> None:
    found = ratio([2, 4, 9], [1, 4, 3])
    assert found.median == pytest.approx(4 / 3)
    assert (found.low, found.high) == (1, 3)


def test_a_difference_compares_medians_and_spreads_over_pairs() -> None:
    found = difference([2, 4, 9], [1, 4, 3])
    assert found.median == 1
    assert (found.low, found.high) == (0, 6)


def test_samples_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])
