"""Medians, and how far the samples lie from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Spread:
    """A few samples in five numbers."""

    low: float
    first_quartile: float
    median: float
    third_quartile: float
    high: float
    count: int


def spread(samples: Sequence[float]) -> Spread:
    """Put samples in order and read off the five numbers."""
    first, middle, third = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [samples[0]] * 3
    return Spread(min(samples), first, middle, third, max(samples), len(samples))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The ratio of the medians, with the spread of the ratios of samples that were taken one right after the other."""
    pairs = spread([a / b for a, b in zip(ours, theirs, strict=True)])
    return Spread(
        pairs.low, pairs.first_quartile, median(ours) / median(theirs), pairs.third_quartile, pairs.high, pairs.count
    )


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The difference of the medians, with the spread of the differences of neighbouring samples."""
    pairs = spread([a - b for a, b in zip(ours, theirs, strict=True)])
    return Spread(
        pairs.low, pairs.first_quartile, median(ours) - median(theirs), pairs.third_quartile, pairs.high, pairs.count
    )
