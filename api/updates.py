"""Asks executions by Temporal's updates, until each is answered."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from dag.errors import PerdureError
from runtime.gone import AWAY

PATIENCE = 10.0
"""Seconds: an execution takes ten updates at once, and none while it goes over to its next run."""
_ATTEMPT = 3.0
"""Seconds until it is asked again, under the same id."""
_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_LATER = AWAY | {RPCStatusCode.CANCELLED, RPCStatusCode.FAILED_PRECONDITION}

Answer = TypeVar("Answer")


async def answered(
    ask: Callable[[], Awaitable[Answer]],
    *,
    refusals: Mapping[str, type[PerdureError]],
    unheard: type[PerdureError],
) -> Answer:
    """Ask until there is an answer. Raises one of the refusals, by its code, and what says that nobody has answered."""
    pause, give_up = _PAUSE, time.monotonic() + PATIENCE
    while (left := give_up - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(min(_ATTEMPT, left)):
                return await ask()
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            # An execution may end with what it was asked in its hands, and nobody answers. The SDK tells a cancellation
            # of this very request alike.
            if (this := asyncio.current_task()) is not None and this.cancelling():
                raise asyncio.CancelledError from None
        except WorkflowUpdateFailedError as failed:
            if isinstance(failed.cause, ApplicationError) and failed.cause.type in refusals:
                raise _refusal(failed.cause, refusals) from None
        except RPCError as refused:
            if refused.status not in _LATER:
                raise
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 so that those who wait do not come together
        pause = min(_LONGEST_PAUSE, pause * 2)
    raise unheard


def _refusal(cause: ApplicationError, refusals: Mapping[str, type[PerdureError]]) -> PerdureError:
    details = cause.details[0] if cause.details else None
    return refusals[cause.type or ""](cause.message, details=details)
