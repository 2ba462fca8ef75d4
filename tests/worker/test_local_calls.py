"""What local activities are called with goes from hand to hand, and never stays behind."""

import gc
import uuid

from pydantic import JsonValue
from temporalio.client import Client

from activities.context import Context
from dag.invocation import Invocation
from runtime.settings import Settings
from tests.worker.attempts import Config, Output, Recorded, declared, means
from tests.worker.calling import Asked, Calling
from worker.host import worker
from worker.local_calls import LocalCalls


async def echo(config: Config, context: Context) -> Output:
    return Output(value=config.value)


async def test_a_local_activity_is_given_its_config_and_the_history_keeps_none_of_it(client: Client) -> None:
    queue, mark = f"q-{uuid.uuid4()}", uuid.uuid4().hex
    async with (
        means([declared(echo)]) as have,
        worker(client, Settings(queue=queue), means=have, sink=Recorded(), workflow=Calling),
    ):
        asked = Asked("demo.run", {"value": [mark, {"deep": 2**60}]}, Invocation(timeout=30), local=True)
        handle = await client.start_workflow(Calling.run, asked, id=f"acme/{uuid.uuid4()}", task_queue=queue)
        assert await handle.result() == {"output": {"value": [mark, {"deep": str(2**60)}]}}
    history = await handle.fetch_history()
    [marker] = [event for event in history.events if event.HasField("marker_recorded_event_attributes")]
    assert set(marker.marker_recorded_event_attributes.details) == {"data", "result"}


def test_what_is_handed_over_goes_with_the_interpreter_and_another_one_takes_its_place() -> None:
    calls = LocalCalls()
    given: tuple[JsonValue, Invocation] = {"a": 1}, Invocation()
    first = calls.begin("run")
    first["pay"] = given
    assert calls.call("run", "pay") is given
    assert calls.call("run", "other") is None
    assert calls.call("gone", "pay") is None
    assert calls.call(None, "pay") is None
    second = calls.begin("run")
    assert calls.call("run", "pay") is None
    second["pay"] = given
    del first
    gc.collect()
    assert calls.call("run", "pay") is given, "the end of the one before takes nothing from this one"
    del second
    gc.collect()
    assert calls.call("run", "pay") is None
