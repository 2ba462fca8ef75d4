"""People for tests: they wait until something is asked of them, and decide."""

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from dag.task_messages import DECIDE, TASKS, Decided, Decision, Task
from tests.interpreter.histories import Handle


async def asked(handle: Handle, count: int = 1) -> list[Task]:
    """Wait until so many tasks are open."""
    while len(found := await tasks(handle)) < count:
        await asyncio.sleep(0.02)
    return found


async def tasks(handle: Handle) -> list[Task]:
    """The open ones."""
    return await handle.query(TASKS, result_type=list[Task])


def decision(path: str, by: str = "user:ann", verdict: str | None = "approve", **more: Any) -> Decision:
    """What somebody says; under an id of its own unless one is given."""
    given: dict[str, Any] = {"id": f"d-{uuid.uuid4().hex}", "path": path, "by": by, "verdict": verdict, **more}
    return Decision(**given)


async def decide(handle: Handle, said: Decision) -> Decided:
    """Make a decision. Raises WorkflowUpdateFailedError."""
    return await handle.execute_update(DECIDE, said, id=said.id, result_type=Decided)


async def refused(handle: Handle, said: Decision) -> tuple[str, Any]:
    """Make a decision that is refused: the code, and what is told besides."""
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await decide(handle, said)
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    return cause.type or "", cause.details[0] if cause.details else None


def approval(needs: list[str] | None = None, *, node: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    """A node that asks for a verdict."""
    asks = {"type": "approval", "config": {"title": "Pay?", "due": "1h", **config}}
    return {**asks, **({"needs": needs} if needs else {}), **(node or {})}
