"""What executions and the gates that limit how many run at once tell each other.

A gate counts the executions of one workflow whose keys are equal. It is a Temporal workflow of our own, which there is
while somebody is inside or waits."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue, SkipValidation

GATE = "perdure.gate"
"""The type of gates, and the second part of their workflow ids."""
ENTER = "perdure.enter"
LEAVE = "perdure.leave"
GONE = "perdure.gone"
ARRIVE = "arrive"
"""The signal that brings a gate an Arrival."""
LEFT = "left"
"""The signal that tells a gate the workflow id of who has left."""
ADMITTED = "admitted"
"""The signal that brings an execution a Verdict."""

OnLimit = Literal["queue", "reject", "replace"]


@dataclass(frozen=True)
class Entering:
    """An execution wants to run. Said again it changes nothing; the answer is the workflow id of the gate."""

    path: str
    workflow: str
    key: SkipValidation[JsonValue]
    limit: int
    on_limit: OnLimit


@dataclass(frozen=True)
class Leaving:
    """An execution has ended, or waits no longer."""

    path: str
    gate: str


@dataclass(frozen=True)
class Arrival:
    """Who wants to run, for a gate."""

    execution: str
    """Its workflow id."""
    limit: int
    on_limit: OnLimit


@dataclass(frozen=True)
class Verdict:
    """What a gate says to who has arrived."""

    admitted: bool
