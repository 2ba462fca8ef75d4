"""What is computed, and what comes of it."""

from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue, SkipValidation

from dag.errors import ErrorValue
from dag.invocation import SecretText
from dag.plan import Template

NOT_COMPUTED = ErrorValue(
    code="internal", message="Computing the node's expressions failed unexpectedly; the worker's log says how."
)


@dataclass(slots=True)
class Job:
    """Everything about a node that computing it needs, besides what it sees."""

    type: str
    config: Template
    when: str | None = None
    wired: tuple[str, ...] = ()
    """The node's ports that lead somewhere; of a `parallel`, its branches."""
    cache_key: str | None = None
    """An expression that tells outputs apart which are stored to be used again."""


@dataclass(slots=True)
class Computed:
    """What came of it. `value` is an output, a config (call), a time in seconds since the epoch (wait), how graphs
    inside are run (open) or an error."""

    kind: Literal["done", "skip", "call", "wait", "stop", "leave", "open", "fail"]
    value: SkipValidation[JsonValue] = None
    port: str | None = "out"
    secrets: tuple[SecretText, ...] = ()
    cache_key: SkipValidation[JsonValue] = None


def failure(error: ErrorValue) -> Computed:
    """The error as what came of it."""
    return Computed("fail", error.model_dump(mode="json", exclude_none=True), port=None)


def error_of(failed: Computed) -> ErrorValue:
    """The error that came of it."""
    return ErrorValue.model_validate(failed.value)
