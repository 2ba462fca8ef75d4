"""What can go wrong by an author's or a caller's doing, with a public code that never changes meaning."""

import inspect
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue


class ErrorValue(BaseModel):
    """An error as expressions, events and the API show it."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    node: str | None = None
    path: str | None = None
    attempt: int | None = None
    retryable: bool = False
    details: JsonValue = None
    cause: JsonValue = None

    def at(self, node: str, path: str) -> Self:
        """Say where it arose, unless that is known already."""
        return self if self.path is not None else self.model_copy(update={"node": node, "path": path})


class PerdureError(Exception):
    """Something is wrong that its author or caller can mend."""

    code: str = "internal"
    retryable: bool = False

    def __init__(self, message: str | None = None, /, *, details: JsonValue = None, retryable: bool | None = None):
        self.message = message or inspect.cleandoc(type(self).__doc__ or "")
        self.details = details
        if retryable is not None:
            self.retryable = retryable
        super().__init__(self.message)

    def value(self) -> ErrorValue:
        """The same as data."""
        return ErrorValue(code=self.code, message=self.message, retryable=self.retryable, details=self.details)


def matches(code: str, pattern: str) -> bool:
    """A code matches itself and what follows it after a dot."""
    return code == pattern or code.startswith(pattern + ".")
