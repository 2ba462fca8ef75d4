"""What stored outputs look like from outside."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SkipValidation

from api.executions.shapes import TAG
from dag.names import WORKFLOW_NAME

NODE = r"^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,63}$"


class CachedOut(BaseModel):
    """A stored output in a list."""

    id: str
    type: str
    workflow: str | None
    """Whose node it was made for; every node with the same type, config and key uses it."""
    node: str | None
    """The path of its node runs without numbers: `each.price`."""
    key: JsonValue
    execution: str | None
    """Which made it; null: it was put there by a request."""
    output_bytes: int
    """As JSON."""
    stored_at: datetime
    expires_at: datetime
    hits: int
    """How often it has been used since it was stored, instead of running a node."""
    used_at: datetime | None
    """When it was last."""


class CachedValueOut(CachedOut):
    """A stored output with what it is."""

    output: JsonValue


class RemovedOut(BaseModel):
    """What was taken away."""

    removed: int
    more: bool
    """Whether there may be more; ask again."""


class WarmIn(BaseModel):
    """An output that a node is to use without running."""

    model_config = ConfigDict(extra="forbid")

    workflow: Annotated[str, Field(pattern=WORKFLOW_NAME)]
    version: Annotated[int, Field(ge=1, lt=2**31)] | Annotated[str, Field(pattern=TAG)] | None = None
    """A number or a tag; null: the newest."""
    node: Annotated[str, Field(pattern=NODE)]
    """The path of its node runs without numbers: `fetch`, `each.price`, `fan.left.a`."""
    config: SkipValidation[dict[str, JsonValue]] | None = None
    """As it is once its templates are filled in; null: as it is written, if it holds none."""
    key: SkipValidation[JsonValue] = None
    """What `cache.key` gives; null where the node has none."""
    output: SkipValidation[JsonValue]
    """Checked against the output of the node's type."""
    ttl: Annotated[float, Field(gt=0, le=31_536_000)] | None = None
    """Seconds; null: as long as the node says."""
