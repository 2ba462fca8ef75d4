"""What a running activity gets from its host, so that it knows nothing of how it is run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from httpx2 import AsyncClient
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_monty import AsyncMonty


class Reference(BaseModel):
    """Content that is kept outside the execution's own data."""

    model_config = ConfigDict(frozen=True)

    reference: str = Field(description="What the content is stored under.")
    media_type: str = Field(description="What kind of content it is, such as `application/pdf`.")
    size: int = Field(description="Its length in bytes.")


class Log(Protocol):
    """Writes one line that people see beside the node run."""

    def __call__(self, message: str, /, *, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Never waits and never fails; lines beyond a node run's share are dropped."""
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
    log: Log
    heartbeat: Callable[[JsonValue], None]
    """Tells how far the work has come; beyond a minute of work, call it now and then."""
    store: Callable[[bytes, str], Awaitable[Reference]]
    """Keeps a large result, given with its media type, outside the execution's own data."""
    conceal: Callable[[str], None]
    """Treats a text learnt on the way, such as a token, like a secret of the config: `***` in output, error and log."""
