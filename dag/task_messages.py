"""What API and interpreter tell each other of tasks: what is asked of people, what they decide, what came of it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dag.errors import ErrorValue

DECIDE = "decide"
"""The update, and the signal, that brings a Decision."""
DECIDED = "decided"
"""The query that answers a Decision without making it: for executions that have ended."""
TASK = "task"
TASKS = "tasks"
"""The queries for one task, and for all that are open."""

Verdict = Literal["approve", "reject"]
Status = Literal["open", "approved", "rejected", "answered", "timeout", "cancelled"]


@dataclass(frozen=True)
class Decision:
    """What a person says to a task."""

    id: str
    """Said again under the same id, it is answered as it was."""
    path: str
    """Of the node run that asks."""
    by: str
    """Who says it, as `user:…` or `key:…`."""
    groups: tuple[str, ...] = ()
    """What else they answer for, as `group:…` and `role:…`."""
    verdict: Verdict | None = None
    """Null for an `ask`."""
    values: JsonValue = None
    """What was filled into the form."""
    comment: str | None = None
    attempt: int = 1
    """Which attempt at the execution asks."""


@dataclass(frozen=True)
class Voted:
    """One vote that counts."""

    by: str
    verdict: Verdict | None
    at: str
    comment: str | None


@dataclass(frozen=True)
class Decided:
    """Where a task stands after a decision."""

    path: str
    status: Status
    verdict: Verdict | None = None
    by: str | None = None
    """Who decided it; null while it is open, or where its deadline did."""
    at: str | None = None
    comment: str | None = None
    votes: tuple[Voted, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a decision would be told: one of the two."""

    decided: Decided | None = None
    refused: ErrorValue | None = None


@dataclass(frozen=True)
class Task:
    """Something that is asked of people. Of one that is closed, only its title is remembered of what was asked."""

    id: str
    path: str
    attempt: int
    type: Literal["approval", "ask"]
    title: str
    status: Status
    votes: tuple[Voted, ...]
    description: str | None = None
    form: JsonValue = None
    assignees: tuple[str, ...] = ()
    required: int | None = None
    allow_self: bool | None = None
    since: str | None = None
    due: str | None = None
    verdict: Verdict | None = None
    by: str | None = None
    at: str | None = None
    comment: str | None = None
