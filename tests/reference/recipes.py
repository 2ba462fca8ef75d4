"""What is drawn for a document, before it is made of that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

Choice = int
"""Stands for one of several things; 0 for the simplest."""

LONG = "1h"
MOST_INSIDE = 3
DEEPEST = 3
"""The level that holds no further ones."""


@dataclass(frozen=True)
class Recipe:
    """What is drawn for one node. It means something beside any others, so that every list of recipes is a graph.

    Few draws, each simpler towards its beginning: that is what makes a failing example small within a minute."""

    kind: str
    needs: list[tuple[Choice, Choice]]
    """For each edge, how far back its source is, and the source's port."""
    join: tuple[str, Choice]
    spice: tuple[Choice, bool, int]
    """A choice for `when`, whether `on_error: continue`, and a rank: nodes of a lower one are written first."""
    texts: list[Choice]
    undone: bool = False
    """Whether it has a `compensate`, if it can."""
    level: int = 0
    """How deep it stands, as far as what came before it can hold it."""
    opens: bool = False
    """Whether it is the first of another graph in the same holder."""
    inside: "list[list[Recipe]]" = field(default_factory=list["list[Recipe]"])
    """The graphs that it holds, once it is `nested`."""


def nested(recipes: Sequence[Recipe], *, holders: Collection[str]) -> list[Recipe]:
    """The recipes of the document's graph, with all others inside them."""
    top: list[Recipe] = []
    around: list[Recipe] = []
    for each in recipes:
        level = min(each.level, len(around), DEEPEST)
        around = around[:level]
        recipe = replace(each, inside=[])
        if not around:
            top.append(recipe)
        elif not around[-1].inside or (each.opens and len(around[-1].inside) < MOST_INSIDE):
            around[-1].inside.append([recipe])
        else:
            around[-1].inside[-1].append(recipe)
        if each.kind in holders:
            around.append(recipe)
    return top


@dataclass(frozen=True)
class Pace:
    """How long delays take, and what is shorter: timeouts of them and of nodes that hold graphs, in milliseconds. Each
    may be used by one node. No sum of them is a multiple of a script's tick, or as long as another."""

    delays: tuple[tuple[int, int], ...]
    clocks: tuple[int, ...] = ()
    has_timeouts: bool = True


FLAT = Pace(((101, 51), (302, 152), (904, 454)))
"""For ticks of 50 ms."""
NESTED = Pace(((2001, 1001), (13010, 4010), (41100, 15100)), (31000,))
"""For ticks of 10 s, and no more than nine of each."""
UNHURRIED = Pace(((1500, 800),), has_timeouts=False)
"""In real time: longer than continuing as new may take on a busy machine, which must not make it come before what was
held back."""
