"""A further attempt at a large loop: each batch takes over what it has done before."""

from temporalio.client import WorkflowExecutionStatus

from dag.again import Again
from dag.batches import BATCH_ENDED, Batch, BatchEnd
from interpreter.start import Start
from runtime.executions import start
from tests.interpreter.documents import document, work
from tests.interpreter.engine import Ended, Engine, ended
from tests.interpreter.histories import Handle
from tests.interpreter.large_loops import SMALL, loop


async def retried(engine: Engine, handle: Handle, flow: dict[str, object], *, attempt: int = 2) -> Handle:
    described = await handle.describe()
    assert described.status is WorkflowExecutionStatus.FAILED
    execution = handle.id.partition("/")[2]
    again = Again("retry", execution, described.run_id, "key:test")
    begin = Start(attempt=attempt, again=again, tuning=SMALL)
    plan = engine.plan(flow)  # pyright: ignore[reportArgumentType]
    return await start(engine.client, plan, begin, tenant="acme", execution=execution, queue=engine.queue)


async def test_no_turn_that_has_succeeded_runs_twice(engine: Engine) -> None:
    failing = {"fail": "${{ item = 8 ? 'user.no' : null }}", "fail_times": 2}
    body = {"a": work("${{ item }}"), "b": work("${{ nodes.a.output.value * 2 }}", ["a"], config=failing)}
    flow = document(
        {"loop": loop("[1..12]", body), "after": work("${{ nodes.loop.output }}", ["loop"])}, settings={"fail": "wait"}
    )
    handle = await engine.start(flow, tuning=SMALL)
    assert (await ended(handle)).error.code == "user.no"
    second = await retried(engine, handle, flow)
    late = BatchEnd(Batch("loop", 3), "terminated")  # somebody tells of the first attempt's batch
    await second.signal(BATCH_ENDED, late)
    assert (await ended(second)).error.code == "user.no"
    third = await ended(await retried(engine, handle, flow, attempt=3))
    assert third == Ended("succeeded", {"value": [{"value": 2 * n} for n in range(1, 13)]})
    assert engine.witness.runs.most_common(2)[0][1] == 3
    assert sum(engine.witness.runs.values()) == len(engine.witness.runs) + 2 == 25 + 2
