"""What a running activity gets from its host, so that it knows nothing of how it is run."""

import logging
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


class Context(Protocol):
    """What one attempt may use. Secrets are in its config already."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this node run, whatever crashes."""
        ...

    @property
    def timeout(self) -> timedelta:
        """How long this attempt may take; its host ends it then."""
        ...

    @property
    def http(self) -> AsyncClient:
        """Behind the egress guard; follows no redirect and knows no proxy by itself."""
        ...

    @property
    def python(self) -> AsyncMonty:
        """Processes that run code nobody trusts."""
        ...

    @property
    def logger(self) -> logging.Logger:
        """Writes what people see beside the node run, fields (`extra`) included. Never waits and never fails; lines
        beyond the attempt's share are dropped, and counted. May be used from any thread."""
        ...

    def heartbeat(self, told: JsonValue, /) -> None:
        """Tell how far the work has come; beyond a minute of work, call it now and then."""
        ...

    def progress(self, fraction: float | None, message: str = "", /) -> None:
        """Tell people how far a lasting attempt has come: between 0 and 1, or None when nobody knows. Call it as often
        as you like: what is told too often is left out. It counts as a heartbeat."""
        ...

    def cost(self, unit: str, amount: float, /) -> None:
        """Count what the attempt uses up, as `cost("tokens.input", 1200)`: tokens, messages, money by its currency."""
        ...

    def computed(self, seconds: float, /) -> None:
        """Count CPU seconds that were spent for the attempt outside its own task, such as in a process of its own."""
        ...

    async def store(self, content: bytes, media_type: str, /) -> Reference:
        """Keep a large result, given with its media type, outside the execution's own data."""
        ...

    def conceal(self, text: str, /) -> None:
        """Treat a text learnt on the way, such as a token, like a secret of the config: `***` in output, error and
        log."""
        ...
