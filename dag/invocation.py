"""What the interpreter hands a worker beside an activity's config: the second argument of every activity."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

CACHED = "perdure-cached"
"""Stands in the metadata of a result that nothing was run for: it was stored before."""

Part = str | tuple[str]
"""Text, or the name of a secret in a tuple of one."""


@dataclass(frozen=True)
class SecretText:
    """A string of the config that holds secrets: its place (a JSON pointer), and the parts it is made of.

    The config itself has `***` there, so that no look-alike in a tenant's data is ever taken for a secret."""

    at: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class CacheUse:
    """That an output is stored when there is one, and used again."""

    key: JsonValue
    """Tells outputs apart beyond type and config."""
    ttl: float
    """Seconds from when it is stored."""


@dataclass(slots=True)
class Invocation:
    """How to run one activity, where that is not as usual; then it is left out. (Not frozen, as one is made for
    every attempt.)

    Tenant, execution, path and attempt are in Temporal's own activity info: the workflow id is `<tenant>/<execution>`,
    the activity id is the node's path."""

    timeout: float | None = None
    """Seconds that one attempt may take; past them it ends with `timeout.attempt`. None: what its type says."""
    deadline: float | None = None
    """Seconds since the epoch at which the node's own timeout strikes; past it an attempt ends with `timeout.node`."""
    earlier_attempts: int = 0
    """Attempts made before this activity was scheduled, as a local one."""
    retry_when: str | None = None
    """An expression over `error`: false means that this error is not worth another attempt."""
    retry_never: tuple[str, ...] = ()
    secrets: tuple[SecretText, ...] = ()
    mask: tuple[str, ...] = field(default=())
    """JSON pointers (`*` allowed) into the output that records never show in clear."""
    cache: CacheUse | None = None
    """Run nothing if there is a stored output; else store it. Never beside `mask`."""
    test: Literal["pure", "real"] | None = None
    """In a test: whether the node may have effects (`real`)."""
    round: int = 1
    """The attempt at the execution since which this is not what had its effect before. Such has another key."""


USUAL = Invocation()
"""The one that is as usual; known by being this very one."""
