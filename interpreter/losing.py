"""What it means that a worker died in mid-attempt."""

from dag import expressions
from dag.errors import ErrorValue, PerdureError, matches
from dag.expressions import Moment
from dag.plan import Retry
from interpreter.computing import INLINE_UNTIMED

WORKER_LOST = ErrorValue(
    code="worker.lost",
    message="The worker died or lost its connection in mid-attempt; whether the attempt had its effect is not known.",
    retryable=True,
)


def survives_loss(retry: Retry) -> bool:
    """Whether another attempt is made then, of those that are left."""
    if any(matches(WORKER_LOST.code, pattern) for pattern in retry.never):
        return False
    if retry.when is None:
        return True
    try:
        scope = {"error": WORKER_LOST.model_dump(mode="json")}
        return expressions.condition(retry.when, scope, Moment(0, 0), INLINE_UNTIMED)
    except PerdureError:
        return False
