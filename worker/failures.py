"""Turns what went wrong in an attempt into a Temporal failure, and decides whether it is worth another attempt."""

import asyncio
import time
from datetime import timedelta

import orjson
from pydantic import JsonValue
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.errors import ActivityError, PayloadTooLarge
from dag.errors import ErrorValue, PerdureError, matches
from dag.expressions import WIDE, Moment, condition
from dag.invocation import Invocation
from runtime.converter import raw
from worker.output import clean, written
from worker.redaction import Redaction

MAX_DETAILS = 64 * 1024
MAX_MESSAGE = 4_000
"""Characters. A failure's message cannot leave the history, however large."""


class WorkerStopped(PerdureError):
    """The worker that ran the step was stopped before the step ended."""

    code = "worker.lost"
    retryable = True


class Unexpected(PerdureError):
    """The activity type failed in a way that it does not foresee; the worker's log says how."""

    code = "internal"
    retryable = True


def error_value(error: PerdureError, *, path: str, attempt: int, redact: Redaction) -> ErrorValue:
    """Say what went wrong, and where, as data that may leave the process."""
    value = error.value()
    return value.model_copy(
        update={
            "message": str(clean(value.message, redact))[:MAX_MESSAGE],
            "details": _fitting(value.details, redact),
            "node": path.rpartition(".")[2],
            "path": path,
            "attempt": attempt,
        }
    )


def failure(value: ErrorValue, *, retry: bool, delay: timedelta | None, local: bool = False) -> ApplicationError:
    """Write it as Temporal wants it: the code as its type, the whole as its detail."""
    return ApplicationError(
        value.message,
        raw(orjson.dumps(value.model_dump(mode="json")), outside=True) if local else value.model_dump(mode="json"),
        type=value.code,
        non_retryable=not retry,
        next_retry_delay=delay,
        # An author's or another system's mistake is in the records; only a bug is a matter for the worker's log.
        category=ApplicationErrorCategory.UNSPECIFIED if value.code == "internal" else ApplicationErrorCategory.BENIGN,
    )


async def worth_another(value: ErrorValue, invocation: Invocation) -> bool:
    """Tell whether the node's author wants such an error tried again; how often and when is Temporal's business."""
    if not value.retryable or any(matches(value.code, pattern) for pattern in invocation.retry_never):
        return False
    if invocation.retry_when is None:
        return True
    scope: dict[str, JsonValue] = {"error": value.model_dump(mode="json")}
    try:
        now = Moment(now_ms=int(time.time() * 1000), seed=0)
        return await asyncio.to_thread(condition, invocation.retry_when, scope, now, WIDE)
    except PerdureError:
        return False  # who cannot say when to try again has not said so


def delay(error: PerdureError, policy: RetryPolicy | None, attempt: int) -> timedelta | None:
    """Wait as long as the other side asked to be left alone, but no shorter than without its word."""
    asked = error.retry_after if isinstance(error, ActivityError) else None
    if asked is None:
        return None
    usual = timedelta(0)
    if policy is not None:
        usual = policy.initial_interval * min(policy.backoff_coefficient ** (attempt - 1), 1e6)
        usual = min(usual, policy.maximum_interval or usual)
    return max(timedelta(seconds=asked), usual)


def _fitting(details: JsonValue, redact: Redaction) -> JsonValue:
    try:
        return orjson.loads(written(details, redact, limit=MAX_DETAILS))
    except PayloadTooLarge:
        return f"Left out: more than {MAX_DETAILS} bytes, or nested too deep."
