"""Workflows that start only if others have succeeded lately: what is said of it, and whether it leads in a circle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dag.errors import PerdureError

AWAIT = "perdure.dependencies"
"""The activity by which a queued execution asks whether all that it waits for has happened."""
SUCCEEDED = "dependency_succeeded"
"""The signal that tells a queued execution to ask again."""
OnUnmet = Literal["wait", "refuse"]


class DependencyUnmet(PerdureError):
    """A workflow that this one depends on has not succeeded lately."""

    code = "dependency.unmet"


@dataclass(frozen=True)
class Awaited:
    """What an execution waits for before it runs."""

    workflow: str
    """The name of the workflow that has to succeed."""
    within: float
    """Seconds for which a success counts."""
    at_most: float | None = None
    """Seconds that it is waited for; None: as long as it takes."""


@dataclass(frozen=True)
class Awaiting:
    """A queued execution asks: all that it waits for. Asked again it changes nothing; the answer is the names of the
    workflows that have not succeeded yet."""

    path: str
    awaited: tuple[Awaited, ...]


@dataclass(frozen=True)
class Success:
    """Something has succeeded that an execution waits for."""


def unmet(names: Sequence[str]) -> DependencyUnmet:
    """The refusal that names what lacks."""
    listed = ", ".join(f"`{name}`" for name in names)
    return DependencyUnmet(f"What this workflow depends on has not succeeded lately: {listed}.", details=[*names])


def circle(edges: Mapping[str, Sequence[str]], start: str, end: str) -> list[str] | None:
    """The way back from the end of a new edge to its start, with which it would make a circle."""
    before: dict[str, str] = {end: end}
    waiting = [end]
    for here in waiting:
        if here == start:
            way = [here]
            while way[-1] != end:
                way.append(before[way[-1]])
            return way[::-1]
        for further in edges.get(here, ()):
            if further not in before:
                before[further] = here
                waiting.append(further)
    return None
