"""Speaking to workflows of Temporal's that may have ended meanwhile."""

from collections.abc import Generator
from contextlib import contextmanager

from temporalio.service import RPCError, RPCStatusCode


@contextmanager
def unless_gone() -> Generator[None]:
    """What has ended, or is forgotten, needs no word any more. Raises RPCError of everything else."""
    try:
        yield
    except RPCError as refused:
        if refused.status != RPCStatusCode.NOT_FOUND:
            raise
