"""What an execution goes on from that takes over what was done before: a further attempt, or a rerun of another one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue, SkipValidation

REUSE = "perdure.reuse"
"""The activity that finds out what can be taken over."""
RERUN = "rerun"
"""What reruns have as their trigger."""


@dataclass(frozen=True)
class Again:
    """Who has an execution go on, or begin in the middle, and from what."""

    kind: Literal["retry", "rerun", "rollback"]
    execution: str
    """The one whose nodes are taken over: itself, but for a rerun."""
    run: str
    """Temporal's id of the run that it goes on from. Empty: there is none, and nothing is taken over."""
    by: str
    reason: str | None = None
    nodes: tuple[str, ...] = ()
    """The nodes of the document's own graph that were named, to begin with or to go back to."""
    anew: tuple[str, ...] = ()
    """The nodes of the document's own graph that run whatever became of them: those, and what comes after them."""
    outputs: SkipValidation[Mapping[str, JsonValue]] = field(default_factory=dict[str, JsonValue])
    """Outputs of nodes that are taken over, as they are to be instead."""
    vars: SkipValidation[Mapping[str, JsonValue]] = field(default_factory=dict[str, JsonValue])
    """Variables of the document, as they are to be instead."""


@dataclass(frozen=True)
class Wanted:
    """Asks what a strand of an execution can take over."""

    path: str
    kind: Literal["retry", "rerun", "rollback"]
    execution: str
    run: str
    attempt: int
    """The one that asks."""
    anew: tuple[str, ...] = ()
    rounds: Mapping[str, int] = field(default_factory=dict[str, int])
    """By path of nodes that were undone, the first attempt that they run in again, as far as it is known already."""
