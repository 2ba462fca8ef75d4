"""What went wrong, as far as the reference evaluator can tell: where, by which code, and because of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Failure:
    """An error. It arose nowhere in particular when it has no path."""

    code: str
    node: str | None = None
    path: str | None = None
    causes: "tuple[Failure, ...]" = ()

    def seen(self) -> Mapping[str, Any]:
        """As expressions see it."""
        return {"code": self.code, "node": self.node, "path": self.path}
