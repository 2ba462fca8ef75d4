"""Workflow ids: an execution has one, and so has each of its strands that runs by itself, a batch of a large loop."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

BATCH = 1_000
"""Turns in one batch. It is fixed, so that a path says in which batch it is."""

LONGEST = 150
"""Characters of a path in a workflow id, which has 255 at most in Temporal's SQL databases."""
_BEGINNING = 100
_TURN = re.compile(r"\[([0-9]{1,9})\]")


@dataclass(frozen=True, slots=True)
class StrandId:
    """Whose a workflow id is."""

    tenant: str
    execution: str
    strand: str = ""
    """Empty: the execution's own, which the document's graph runs in."""

    def __str__(self) -> str:
        own = f"{self.tenant}/{self.execution}"
        return f"{own}/{self.strand}" if self.strand else own


@lru_cache(maxsize=1024)
def strand_id(workflow_id: str) -> StrandId:
    """What a workflow id says."""
    tenant, _, rest = workflow_id.partition("/")
    execution, _, strand = rest.partition("/")
    return StrandId(tenant, execution, strand)


def batch_strand(path: str, number: int) -> str:
    """The strand of a loop's batch; of a path that is too long, its beginning and what tells it from others."""
    if len(path) > LONGEST:
        path = f"{path[:_BEGINNING]}~{hashlib.sha256(path.encode()).hexdigest()[:32]}"
    return f"{path}/{number}"


def strands_of(path: str) -> Iterator[str]:
    """Where a path may be, if loops around it are large: in the innermost batch first, in the execution's own last."""
    for turn in reversed([*_TURN.finditer(path)]):
        yield batch_strand(path[: turn.start()], int(turn[1]) // BATCH)
    yield ""
