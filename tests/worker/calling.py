"""A workflow that calls one activity as the interpreter does."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from pydantic import JsonValue
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from dag.events import StepEvent
    from dag.invocation import Invocation
    from interpreter.orders import HAND_OVER, HandOver


@dataclass(frozen=True)
class Asked:
    """What to call, and how."""

    type: str
    config: JsonValue
    invocation: Invocation
    path: str = "each[0].pay"
    local: bool = False
    attempts: int = 1
    initial: float = 0.01
    cancel_after: float | None = None


@workflow.defn(name="calling")
class Calling:
    """Ends with `{output}`, `{error}` or `{cancelled}`, and says a step event for its start and its end."""

    @workflow.run
    async def run(self, asked: Asked) -> JsonValue:
        self._n = 0
        self._say("node.started")
        handle = self._local(asked) if asked.local else self._call(asked)
        if asked.cancel_after is not None:
            await workflow.sleep(asked.cancel_after)
            handle.cancel()
        result: JsonValue
        try:
            result = {"output": await handle}
        except (ActivityError, ApplicationError) as failed:  # Temporal wraps the failures of normal activities alone
            match failed.cause if isinstance(failed, ActivityError) else failed:
                case CancelledError():
                    result = {"cancelled": True}
                case ApplicationError() as cause:
                    result = {"error": cause.details[0], "type": cause.type}
                case other:
                    result = {"failed": type(other).__name__}
        self._say("node.succeeded")
        return result

    def _call(self, asked: Asked) -> workflow.ActivityHandle[JsonValue]:
        return workflow.start_activity(
            asked.type,
            args=[asked.config, asked.invocation],
            activity_id=asked.path,
            start_to_close_timeout=timedelta(seconds=(asked.invocation.timeout or 30) + 10),
            heartbeat_timeout=timedelta(seconds=15),
            retry_policy=RetryPolicy(timedelta(seconds=asked.initial), maximum_attempts=asked.attempts),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    def _local(self, asked: Asked) -> workflow.ActivityHandle[JsonValue]:
        self._handed = handed_over(asked.path, asked)
        return workflow.start_local_activity(
            asked.type,
            activity_id=asked.path,
            start_to_close_timeout=timedelta(seconds=3),
            retry_policy=RetryPolicy(timedelta(seconds=asked.initial), maximum_attempts=asked.attempts),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    def _say(self, type: str) -> None:
        self._n += 1
        event = StepEvent(
            execution=workflow.info().workflow_id.partition("/")[2],
            attempt=1,
            strand="",
            n=self._n,
            type=type,  # pyright: ignore[reportArgumentType]
            path="pay",
            at=workflow.time(),
            data=None,
            previous=0,
            checksum=self._n,
            task=workflow.info().get_current_history_length(),
        )
        workflow.extern_functions()["perdure_step_event"](event, workflow.unsafe.is_replaying())


def handed_over(path: str, asked: Asked) -> object:
    """Hand a local activity what it is called with. The result is to be kept until it has ended."""
    hand_over = cast(HandOver, workflow.extern_functions()[HAND_OVER])
    handed = hand_over(workflow.info().run_id)
    handed[path] = asked.config, asked.invocation
    return handed
