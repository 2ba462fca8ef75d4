"""What an execution remembers of decisions, and of tasks that have ended: whoever comes late gets a true answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dag.task_messages import Decided
from interpreter.constructs.asking import Asking, Ending, Vote

MOST = 2_000
"""Answers, and ended tasks; the oldest are forgotten first."""


@dataclass(frozen=True)
class Ended:
    """A task that has ended."""

    word: Literal["approval", "ask"]
    title: str
    votes: list[Vote]
    ending: Ending


@dataclass
class Memory:
    """Carried over continue-as-new: Temporal forgets then which updates it has had."""

    answers: dict[str, Decided] = field(default_factory=dict[str, Decided])
    """By the decision's id."""
    ended: dict[str, Ended] = field(default_factory=dict[str, Ended])
    """By the path of the node run that asked."""


def close(memory: Memory, state: Asking, *, at: str) -> None:
    """A task has ended: as it says, or else because nobody is asked any longer."""
    ending = state.ending or Ending("cancelled", at=at)
    memory.ended[state.path] = Ended(state.word, state.title, state.votes, ending)
    while len(memory.ended) > MOST:
        del memory.ended[next(iter(memory.ended))]


def answer(memory: Memory, id: str, decided: Decided, *, is_open: Callable[[str], bool]) -> None:
    """A decision has been answered. Those of open tasks are never forgotten."""
    memory.answers[id] = decided
    if len(memory.answers) > MOST:
        oldest = next((one for one, told in memory.answers.items() if not is_open(told.path)), None)
        if oldest is not None:
            del memory.answers[oldest]
