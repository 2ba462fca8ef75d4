"""The same work as the benchmarks' definitions, written for temporalio by hand."""

import asyncio
from datetime import timedelta

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from benchmarks.handwritten.activities import read, step
    from benchmarks.step import Step
    from interpreter.terms import LOST_AFTER

TIMEOUT = timedelta(seconds=30)
ONCE = RetryPolicy(maximum_attempts=1)
THRICE = RetryPolicy(maximum_attempts=3)


class Repeated(BaseModel):
    start: Step
    times: int


@workflow.defn
class Empty:
    @workflow.run
    async def run(self, start: Step) -> Step:
        return start


@workflow.defn
class Calling:
    @workflow.run
    async def run(self, start: Step) -> Step:
        return await workflow.execute_child_workflow(Empty.run, start)


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, asked: Repeated) -> Step:
        result = asked.start
        for _ in range(asked.times):
            result = await workflow.execute_activity(step, result, start_to_close_timeout=TIMEOUT, retry_policy=ONCE)
        return result


@workflow.defn
class ReadChain:
    @workflow.run
    async def run(self, asked: Repeated) -> Step:
        result = asked.start
        for _ in range(asked.times):
            result = await workflow.execute_local_activity(
                read, result, start_to_close_timeout=TIMEOUT, retry_policy=THRICE
            )
        return result


@workflow.defn
class FanOut:
    @workflow.run
    async def run(self, asked: Repeated) -> int:
        results = await asyncio.gather(
            *(
                workflow.execute_activity(step, asked.start, start_to_close_timeout=TIMEOUT, retry_policy=ONCE)
                for _ in range(asked.times)
            )
        )
        return sum(result.number for result in results)


@workflow.defn
class WatchedFanOut:
    """The same with what ours asks of the server: names for people, and the loss of a worker seen within seconds."""

    @workflow.run
    async def run(self, asked: Repeated) -> int:
        results = await asyncio.gather(
            *(
                workflow.execute_activity(
                    step,
                    asked.start,
                    activity_id=f"step_{number}",
                    start_to_close_timeout=TIMEOUT,
                    heartbeat_timeout=LOST_AFTER,
                    retry_policy=ONCE,
                )
                for number in range(asked.times)
            )
        )
        return sum(result.number for result in results)


class Windowed(BaseModel):
    start: Step
    count: int
    width: int


@workflow.defn
class Window:
    @workflow.run
    async def run(self, asked: Windowed) -> int:
        room = asyncio.Semaphore(asked.width)

        async def one(number: int) -> int:
            async with room:
                given = Step(number=number, note=asked.start.note)
                result = await workflow.execute_activity(step, given, start_to_close_timeout=TIMEOUT, retry_policy=ONCE)
                return result.number

        return sum(await asyncio.gather(*map(one, range(1, asked.count + 1))))
