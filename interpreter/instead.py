"""What stands in for the world in a test: asked wherever an execution would reach out of itself."""

from typing import Protocol

from pydantic import JsonValue

from dag.invocation import Invocation
from interpreter.compensation import Due
from interpreter.frames import Frame
from interpreter.job import Computed


class Instead(Protocol):
    """Answers in place of the world, or lets what may be done for real pass."""

    def attempt(self, frame: Frame, place: int, computed: Computed, attempts: int) -> bool:
        """Whether an attempt at an activity is answered here."""
        ...

    def marked(self, path: str, invocation: Invocation) -> Invocation:
        """The same, so that the worker knows what it may not do."""
        ...

    def holds(self, frame: Frame, place: int, computed: Computed) -> bool:
        """Whether a node that lasts is answered here."""
        ...

    def held(self, frame: Frame, place: int) -> None:
        """A node that lasts has started."""
        ...

    def performs(self, frame: Frame, place: int, activity: str, argument: JsonValue) -> bool:
        """Whether one of Perdure's own activities is answered here."""
        ...

    def handed(self, frame: Frame, place: int, activity: str, argument: JsonValue) -> JsonValue:
        """What one that is not is given."""
        ...

    def undoes(self, due: Due) -> Computed | None:
        """What comes of a compensation; None: it is done for real."""
        ...

    def is_mocked(self, frame: Frame, place: int) -> bool:
        """Whether a node is mocked."""
        ...
