"""One trace over all that works for an execution: continued runs, batches of large loops, executions that it starts."""

import asyncio
import uuid
from contextlib import ExitStack
from datetime import timedelta

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from interpreter.start import Tuning
from runtime.client import connect
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from runtime.tracing import tracing
from store.database import Database
from store.ids import TenantId
from store.sealing import Keyring
from tests.activities import http_server
from tests.api.test_traces import COLLECTED, attributes, received
from tests.interpreter.documents import computing, work
from tests.interpreter.engine import ended
from tests.interpreter.family import Family, calling
from tests.interpreter.histories import runs
from tests.interpreter.large_loops import loop
from tests.interpreter.witness import Witness, types
from tests.worker.attempts import Recorded, means
from worker.host import worker
from worker.ours import OUR_WORKFLOWS, our_activities

SMALL = Tuning(batch=3, batches_beyond=3, continue_after=2)


async def test_continued_runs_batches_and_sub_workflows_are_one_trace_named_after_the_definition(
    temporal: str,
    storage: MemoryStorage,
    keyring: Keyring,
    store: Database,
    tenant: TenantId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with http_server.serving(COLLECTED) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with ExitStack() as stack:
            traces = stack.enter_context(tracing("perdure-test"))
            options = Settings(
                temporal_address=temporal, queue=f"q-{uuid.uuid4().hex}", graceful_shutdown=timedelta(seconds=1)
            )
            client = await connect(options, storage=storage, keyring=keyring, tracing=traces)
            family = Family(client, store, tenant, options.queue, Recorded(), Witness())
            async with (
                means(types(family.witness)) as shared,
                worker(
                    client,
                    options,
                    means=shared,
                    sink=family.sink,
                    workflows=OUR_WORKFLOWS,
                    activities=our_activities(client, store),
                    tracing=traces,
                ),
            ):
                await family.publish("small", {"inner": work(1)})
                await family.publish(
                    "flow",
                    {
                        "each": loop("[0..6]", {"do": work("${{ item }}")}),
                        "first": work(1, needs=["each"]),
                        "then": computing("1", ["first"]),
                        "sub": calling("small", needs=["then"]),
                        "last": work(1, needs=["sub"]),
                    },
                )
                handle = await family.start("flow", tuning=SMALL)
                assert (await ended(handle)).status == "succeeded"
                assert len(await runs(client, handle)) > 2
            await asyncio.to_thread(stack.close)
        spans = received(collector.requests)
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans), "every span has its own id"
    assert len({span.trace_id for span in spans}) == 1

    def chain(span: Span) -> list[str]:
        parent = by_id.get(span.parent_span_id)
        return [span.name, *(chain(parent) if parent is not None else [])]

    whole = ["flow", "start flow"]
    turns = [[f"each[{turn}].do", "each", *whole] for turn in range(7)]
    nodes = [[name, *whole] for name in ("each", "first", "last", "sub")]
    inner = ["inner", "small", "sub", *whole]
    calls = [["test.work", *way] for way in (*turns, ["first", *whole], ["last", *whole], inner)]
    expected = [["start flow"], whole, *nodes, *turns, ["then", *whole], ["small", "sub", *whole], inner, *calls]
    assert sorted(" < ".join(chain(span)) for span in spans) == sorted(" < ".join(way) for way in expected)
    told = [attributes(span) for span in spans]
    assert {each["perdure.version"] for each in told if "perdure.execution.attempt" in each} == {1}
