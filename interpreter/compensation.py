"""What an execution has done that is to be undone, should it fail: noted as it is done, undone in reverse order."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, SkipValidation

from dag.errors import ErrorValue
from dag.invocation import SecretText
from dag.plan import Call


@dataclass(frozen=True)
class Due:
    """One compensation, with its config as it was when its node succeeded."""

    path: str
    """Of the node that it undoes."""
    type: str
    call: Call
    timeout: float | None = None
    config: SkipValidation[JsonValue] = None
    secrets: tuple[SecretText, ...] = ()
    error: ErrorValue | None = None
    """Why the config could not be computed: it fails with this when its turn comes."""
    title: str | None = None
    round: int = 1
    """The attempt at the execution since which it is this that the node has done."""

    @property
    def own_path(self) -> str:
        """The path of the compensation itself."""
        return f"{self.path}.compensate"


def in_order(blocks: Mapping[int, list[Due]]) -> list[Due]:
    """What turns or branches that ran at once have done, as one block: the turns in item order, the branches as
    written."""
    return [due for place in sorted(blocks) for due in blocks[place]]
