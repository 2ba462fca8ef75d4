"""What Temporal wrote down of an execution."""

import json
from typing import Any

from google.protobuf.json_format import ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.worker import Replayer

from dag.events import StepEvent
from interpreter.workflow import Interpreter
from worker.host import RUNNER
from worker.step_events import StepEvents

Handle = WorkflowHandle[Any, Any]


async def runs(client: Client, handle: Handle) -> list[WorkflowHistory]:
    """The histories of all runs of an execution that continued as new, in their order."""
    first = await client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).fetch_history()
    histories = [first]
    while (
        next_run := histories[-1].events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    ):
        histories.append(await client.get_workflow_handle(handle.id, run_id=next_run).fetch_history())
    return histories


async def replayed(history: WorkflowHistory, converter: DataConverter) -> list[StepEvent]:
    """What the interpreter says when it runs a history again; raises when it does not do the same again."""
    events: list[StepEvent] = []
    replayer = Replayer(
        workflows=[Interpreter],
        data_converter=converter,
        workflow_runner=RUNNER,
        interceptors=[StepEvents(lambda event, _: events.append(event))],
    )
    await replayer.replay_workflow(history)
    return events


async def readable(handle: Handle) -> str:
    """The history as JSON, the payloads in it opened."""
    fetched = await handle.fetch_history()
    codec = handle._client.data_converter.payload_codec
    assert codec is not None
    return json.dumps(await _opened(json.loads(fetched.to_json()), codec))


async def _opened(value: Any, codec: PayloadCodec) -> Any:
    match value:
        case {"data": str(), "metadata": {}}:
            [payload] = await codec.decode([ParseDict(value, Payload(), ignore_unknown_fields=True)])
            return payload.data.decode(errors="replace")
        case dict():
            return {key: await _opened(child, codec) for key, child in value.items()}
        case list():
            return [await _opened(child, codec) for child in value]
        case _:
            return value
