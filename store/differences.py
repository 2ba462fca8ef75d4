"""What differs between what is stored of an execution and what a replay of its history says."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Difference:
    """One row. Contents are not told: they are their tenant's."""

    table: Literal["events", "node_runs", "executions", "search_values"]
    row: str
    """What tells it from the other rows of the execution."""
    kind: Literal["missing", "false", "other"]
    """It should be there, it should not, or it says something else."""
    columns: tuple[str, ...] = ()
    """Those that say something else."""


def same_time(one: float | None, other: float | None) -> bool:
    """Whether two times are the same row's: they are kept in millionths of a second."""
    return one == other if one is None or other is None else abs(one - other) < 2e-6
