"""The hand-written side of each case."""

from typing import Any

from pydantic import BaseModel
from temporalio.common import Priority

from benchmarks.case import BY_HAND, Contender, Stage
from benchmarks.executions import Begin, contender
from benchmarks.handwritten.workflows import (
    Calling,
    Chain,
    Empty,
    FanOut,
    ReadChain,
    Repeated,
    WatchedFanOut,
    Window,
    Windowed,
)
from benchmarks.step import start
from runtime.executions import TASK_TIMEOUT, attributes

EMPTY = "an empty workflow by hand"
WATCHED = "the same by hand, with heartbeats, ids, attributes"


def empty(stage: Stage) -> Contender:
    return contender(EMPTY, stage.client, _begin(stage, Empty.run, start()), result=start())


def chain(stage: Stage, length: int, *, at_once: int = 1) -> Contender:
    begin = _begin(stage, Chain.run, Repeated(start=start(), times=length))
    return contender(BY_HAND, stage.client, begin, result=start(length), at_once=at_once)


def read_chain(stage: Stage, length: int) -> Contender:
    begin = _begin(stage, ReadChain.run, Repeated(start=start(), times=length))
    return contender(BY_HAND, stage.client, begin, result=start(length))


def fan_out(stage: Stage, width: int) -> Contender:
    begin = _begin(stage, FanOut.run, Repeated(start=start(), times=width))
    return contender(BY_HAND, stage.client, begin, result=width)


def watched_fan_out(stage: Stage, width: int) -> Contender:
    """By hand, asking the server for all that ours asks it for."""
    found_by = attributes(tenant="benchmark", workflow="fan-out", version=1, trigger="manual")
    priority = Priority(priority_key=3, fairness_key="benchmark")
    repeated = Repeated(start=start(), times=width)
    begin = _begin(stage, WatchedFanOut.run, repeated, search_attributes=found_by, priority=priority)
    return contender(WATCHED, stage.client, begin, result=width)


def window(stage: Stage, count: int, width: int, *, result: int) -> Contender:
    begin = _begin(stage, Window.run, Windowed(start=start(), count=count, width=width))
    return contender(BY_HAND, stage.client, begin, result=result)


def calling(stage: Stage) -> Contender:
    return contender(BY_HAND, stage.client, _begin(stage, Calling.run, start()), result=start())


def _begin(stage: Stage, workflow: Any, argument: BaseModel, **asked: Any) -> Begin:
    return lambda id: stage.client.start_workflow(
        workflow, argument, id=f"by-hand/{id}", task_queue=stage.by_hand, task_timeout=TASK_TIMEOUT, **asked
    )
