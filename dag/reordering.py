"""Which of several things stand elsewhere than before: as few as possible, the same ones seen from either side."""

from bisect import bisect_left
from collections.abc import Sequence

Names = tuple[str, str]
"""What a thing is called before and after."""


def reordered(before: Sequence[Names], after: Sequence[Names]) -> list[Names]:
    """The things that have moved, in their order after. Both sequences have the same ones."""
    forth, back = _moved(before, after), _moved(after, before)
    # Which ones have moved is seldom certain (of two that changed places, either); the choice is not by side.
    moved = set(min(forth, back, key=lambda names: (len(names), sorted(tuple(sorted(pair)) for pair in names))))
    return [names for names in after if names in moved]


def _moved(before: Sequence[Names], after: Sequence[Names]) -> list[Names]:
    """All but a longest run of things that still follow each other."""
    place = {names: index for index, names in enumerate(before)}
    positions = [place[names] for names in after]
    tails: list[int] = []  # for each length, the run that ends lowest; as positions, which rise
    ends: list[int] = []  # where in `after` those end
    previous: list[int | None] = []
    for index, position in enumerate(positions):
        length = bisect_left(tails, position)
        previous.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(position)
            ends.append(index)
        else:
            tails[length] = position
            ends[length] = index
    kept: set[int] = set()
    at = ends[-1] if ends else None
    while at is not None:
        kept.add(at)
        at = previous[at]
    return [names for index, names in enumerate(after) if index not in kept]
