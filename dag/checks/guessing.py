"""Hints that guess what was meant, with a bound on the work: a document can be wrong in thousands of places."""

from collections.abc import Callable, Collection

from dag.problems import did_you_mean

Guess = Callable[[str, Collection[str]], str | None]

MOST_COMPARISONS = 50_000
"""Names compared for all hints of one document together, about a quarter of a second."""


def guesser() -> Guess:
    """A way to find hints, until the work is used up."""
    left = MOST_COMPARISONS

    def guess(word: str, known: Collection[str]) -> str | None:
        nonlocal left
        left -= len(known)
        return did_you_mean(word, known) if left >= 0 else None

    return guess


def short(name: str) -> str:
    """A name as a message shows it: what an author wrote may be megabytes long."""
    return name if len(name) <= 70 else name[:70] + "…"
