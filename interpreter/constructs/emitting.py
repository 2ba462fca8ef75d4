"""`emit_event`: sends an event to every waiting execution of the tenant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from dag.event_messages import EMIT
from interpreter.constructs.steps import Call, Give, Step


@dataclass
class Emitting:
    """An event on its way."""

    kind: Literal["emit"] = "emit"
    leaving: bool = False


def start(config: Mapping[str, JsonValue], *, path: str, attempt: int) -> Iterator[Step]:
    """Send it."""
    yield Call(EMIT, {**config, "path": path, "attempt": attempt})


def called(answer: JsonValue) -> Iterator[Step]:
    """It has been sent, and this is its id."""
    yield Give("out", {"id": answer})


def leave(state: Emitting) -> Iterator[Step]:
    """What is on its way cannot be called back."""
    state.leaving = True
    yield from ()
