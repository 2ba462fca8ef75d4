"""An execution may be started with anything: what cannot run fails or is seen to be stuck, and harms no other."""

import asyncio
import gc
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.common import RawValue

from interpreter.start import Start
from runtime.executions import plan_payload
from tests.interpreter.documents import computing, document
from tests.interpreter.engine import Engine

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
"""By the SDK, of an execution that cannot even be made."""

PLAN = {"not": "a plan"}


@pytest.fixture(autouse=True)
def no_leftovers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is kept in log records would come to its end, and be warned of, in whatever test runs next."""
    monkeypatch.setattr(logging.getLogger("temporalio.worker._workflow_instance"), "disabled", True)
    yield
    gc.collect()


async def state_of(engine: Engine, args: list[Any]) -> str:
    """How a start with these arguments ends, or `stuck`."""
    id = f"acme/ex_{uuid.uuid4().hex}"
    handle = await engine.client.start_workflow("anything", args=args, id=id, task_queue=engine.queue)
    try:
        await asyncio.wait_for(handle.result(), 1.5)
    except WorkflowFailureError:
        return "failed"
    except TimeoutError:
        history = await handle.fetch_history()
        failed = [e for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED]
        assert failed, "it is seen to be stuck"
        await handle.terminate()
        return "stuck"
    return "succeeded"


@pytest.mark.parametrize(
    "args",
    [
        [],
        [None],
        [Start()],
        [Start(), PLAN],
        [Start(), None],
        [Start(), "text"],
        [PLAN, PLAN],
        ["text", 5, [1], None],
    ],
    ids=["nothing", "null", "no plan", "no such plan", "null plan", "text for a plan", "no start", "all wrong"],
)
async def test_garbage_fails_or_is_stuck_and_harms_no_other(engine: Engine, args: list[Any]) -> None:
    assert await state_of(engine, args) in ("failed", "stuck")
    assert (await engine.run(document({"a": computing("1 + 1")}))).output == 2


async def test_carried_garbage_is_stuck_and_harms_no_other(engine: Engine) -> None:
    plan: RawValue = plan_payload(engine.plan(document({"a": computing("1")})))
    assert await state_of(engine, [Start(), plan, {"standing": 5}]) in ("failed", "stuck")
    assert (await engine.run(document({"a": computing("1 + 1")}))).output == 2
