"""What a running activity gets from its host, so that it knows nothing of how it is run."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from httpx2 import AsyncClient
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_monty import AsyncMonty


class Reference(BaseModel):
    """Content that is kept outside the execution's own data."""

    model_config = ConfigDict(frozen=True)

    reference: str = Field(description="What the content is stored under.")
    media_type: str = Field(description="What kind of content it is, such as `application/pdf`.")
    size: int = Field(description="Its length in bytes.")


class Progress(Protocol):
    """Tells people how far a lasting attempt has come."""

    def __call__(self, fraction: float | None, message: str = "", /) -> None:
        """Between 0 and 1, or None when nobody knows. Call it as often as you like: what is told too often is left
        out. It counts as a heartbeat."""
        ...


@dataclass(frozen=True)
class Context:
    """What one attempt may use. Secrets are in its config already."""

    idempotency_key: str
    """The same for every attempt of this node run, whatever crashes."""
    timeout: timedelta
    """How long this attempt may take; its host ends it then."""
    http: AsyncClient
    """Behind the egress guard; follows no redirect and knows no proxy by itself."""
    python: AsyncMonty
    """Processes that run code nobody trusts."""
    logger: logging.Logger
    """Writes what people see beside the node run, fields (`extra`) included. Never waits and never fails; lines beyond
    the attempt's share are dropped, and counted. May be used from any thread."""
    heartbeat: Callable[[JsonValue], None]
    """Tells how far the work has come; beyond a minute of work, call it now and then."""
    progress: Progress
    cost: Callable[[str, float], None]
    """Counts what the attempt uses up, as `cost("tokens.input", 1200)`: tokens, messages, money by its currency."""
    computed: Callable[[float], None]
    """Counts CPU seconds that were spent for the attempt outside its own task, such as in a process of its own."""
    store: Callable[[bytes, str], Awaitable[Reference]]
    """Keeps a large result, given with its media type, outside the execution's own data."""
    conceal: Callable[[str], None]
    """Treats a text learnt on the way, such as a token, like a secret of the config: `***` in output, error and log."""
