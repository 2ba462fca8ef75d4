"""The terms on which Temporal runs the activities of nodes."""

from datetime import timedelta
from functools import lru_cache

from temporalio.common import RetryPolicy

from dag.invocation import Invocation
from dag.plan import Call, Retry
from interpreter.losing import survives_loss

GRACE = 600.0
"""Seconds beyond an attempt's timeout, which the worker itself keeps, before Temporal gives the attempt up: what it
gives may be large, and wait for the database. An activity that is deaf to its end is waited for as long."""
OUTAGE = 86_400.0
"""The same where the attempt begins with what the database knows, which may be away for long."""
LOST_AFTER = timedelta(seconds=15)
"""Without a heartbeat for so long, a worker counts as lost."""
LOCAL_PATIENCE = timedelta(seconds=3)
"""How long an activity may stay a local one: less than the task timeout, so that waiting costs no history."""
EVALUATION_TIMEOUT = timedelta(seconds=30)
SUMMARY_CHARACTERS = 100
"""A summary has 400 bytes at most."""
ONCE = RetryPolicy(maximum_attempts=1)


def longest(call: Call, invocation: Invocation) -> timedelta:
    """How long an attempt may take at most."""
    return _span(call.attempt_timeout + (OUTAGE if invocation.secrets or invocation.cache else GRACE))


def retry_policy(retry: Retry, made: int) -> RetryPolicy:
    """Temporal retries; the worker says which errors are worth it, except for its own loss."""
    return ONCE if retry.max_attempts - made <= 1 else _retries(retry, made)


@lru_cache(maxsize=1024)
def _retries(retry: Retry, made: int) -> RetryPolicy:
    longest = max(retry.max, retry.initial)
    return RetryPolicy(
        initial_interval=timedelta(seconds=min(longest, retry.initial * retry.factor**made)),
        backoff_coefficient=retry.factor,
        maximum_interval=timedelta(seconds=longest),
        maximum_attempts=retry.max_attempts - made,
        non_retryable_error_types=()
        if survives_loss(retry)
        else ("TemporalTimeout:Heartbeat", "TemporalTimeout:StartToClose"),
    )


def summary(text: str | None) -> str | None:
    """What Temporal's Web UI shows beside an activity or a timer."""
    return text[:SUMMARY_CHARACTERS] if text else None


@lru_cache(maxsize=1024)
def _span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
