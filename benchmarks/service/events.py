"""Step events as interpreters say them, of many executions that run beside one another."""

import itertools
import time
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from benchmarks.step import start
from dag.events import StepEvent
from interpreter.journal import Journal, Now, Written
from store import ids
from worker.records import Attempt


def said(tenant: str, *, executions: int, nodes: int) -> Sequence[StepEvent]:
    """What executions of as many activity nodes say, in the order in which a busy worker hears it."""
    each = [list(_execution(tenant, nodes)) for _ in range(executions)]
    return [event for turn in itertools.zip_longest(*each) for event in turn if event is not None]


def attempts(events: Sequence[StepEvent]) -> Iterator[StepEvent | Attempt]:
    """The same, with the record of an attempt before each end of a node."""
    for event in events:
        if event.type == "node.succeeded":
            yield _attempt(event)
        yield event


def _execution(tenant: str, nodes: int) -> Iterator[StepEvent]:
    heard: list[StepEvent] = []
    now = Now(time=time.time(), history_length=3)

    def hear(event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 as the interpreter calls it
        heard.append(event)

    journal = Journal(tenant, ids.execution(), 1, "", written=Written(), now=now, emit=hear)
    step = start()
    started: dict[str, JsonValue] = {"workflow": "chain", "version": 1, "trigger": "api", "input": step.model_dump()}
    journal.say("execution.started", data=started)
    for number in range(nodes):
        path = f"step_{number}"
        journal.say("node.started", path, {"type": "bench.step", "config": step.model_dump()})
        now.time += 0.01
        now.history_length += 6
        step = start(number + 1)
        journal.say("node.succeeded", path, {"output": step.model_dump(), "port": "out"})
    journal.say("execution.succeeded", data={"output": step.model_dump()})
    yield from heard


def _attempt(event: StepEvent) -> Attempt:
    return Attempt(
        tenant=event.tenant,
        execution=event.execution,
        path=event.path,
        attempt=1,
        type="bench.step",
        started_at=event.at - 0.01,
        ended_at=event.at,
        status="succeeded",
        output=start().model_dump_json().encode(),
        output_size=130,
    )
