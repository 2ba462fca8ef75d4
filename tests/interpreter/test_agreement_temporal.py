"""The real interpreter on a real server against the reference evaluator: activities end when the reference says."""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from dag.events import StepEvent
from dag.journal import replaces
from interpreter.start import Start, Tuning
from interpreter.workflow import Interpreter
from runtime.executions import start
from tests.interpreter.engine import ended
from tests.interpreter.publishing import published
from tests.reference.document import ACTIVITIES, Document
from tests.reference.evaluator import run
from tests.reference.examples import EXAMPLES, Example
from tests.reference.journal import SETTLED, outcome_of
from tests.reference.outcome import Outcome
from tests.reference.script import Acknowledges, Script
from tests.reference.stage import Stage
from tests.reference.strategies import graphs, scripts
from tests.reference.world import Ends, Settles
from tests.worker.attempts import means
from worker.adapter import node_activity
from worker.evaluation import evaluate
from worker.host import RUNNER
from worker.records import Attempt
from worker.step_events import StepEvents

PATIENCE = 20.0
"""Seconds to wait for what the reference says must come."""
PROMPTLY = timedelta(milliseconds=10)
PROFILE = settings.get_profile(settings.get_current_profile_name())


@dataclass(frozen=True)
class Variant:
    """How executions are run; none of it may be seen in their outcome."""

    continue_after: int | None = None
    cached: int = 500


VARIANTS = {
    "plain": Variant(),
    "continued as new at every safe point": Variant(continue_after=1),
    "replayed from the start at every step": Variant(cached=0),
    "both": Variant(continue_after=2, cached=0),
}


def cases() -> st.SearchStrategy[tuple[Document, Script]]:
    """Times only say what comes after what: first what runs as a local activity, then a delay, then the rest."""
    return graphs(virtual_time=False).flatmap(
        lambda document: st.tuples(st.just(document), scripts(document, tick=60, read_tick=1e-6))
    )


@dataclass
class Heard:
    """A sink that keeps what each execution said, and which nodes have settled, by workflow id."""

    events: defaultdict[str, dict[int, StepEvent]] = field(
        default_factory=lambda: defaultdict[str, dict[int, StepEvent]](dict)
    )
    settled: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def step(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 as a Sink
        said = self.events[event.execution]
        if event.n not in said or replaces(event, said[event.n], replayed=replaying):
            said[event.n] = event
        if event.type in SETTLED:
            self.settled.add((f"acme/{event.execution}", event.path))

    def attempt(self, record: Attempt) -> None:
        pass

    def of(self, execution: str) -> list[StepEvent]:
        return [event for _, event in sorted(self.events[execution].items())]


@dataclass(frozen=True, repr=False)
class Theatre:
    """A worker whose activities are on a stage."""

    client: Client
    queue: str
    stage: Stage
    heard: Heard

    async def perform(self, document: Document, script: Script, reference: Outcome, tuning: Tuning) -> Outcome:
        """Run a document as the reference ran it: let the same happen in the same order, one thing after another."""
        execution = f"ex_{uuid.uuid4().hex}"
        plan = published(document, types=self.stage.types)
        begin = Start(input=dict(script.input), tuning=tuning)
        handle = await start(self.client, plan, begin, tenant="acme", execution=execution, queue=self.queue)
        try:
            await self._follow(reference, handle, document)
            how = await asyncio.wait_for(ended(handle), PATIENCE)
        except (AssertionError, TimeoutError):
            with suppress(RPCError):  # it may have ended meanwhile
                await handle.terminate()
            raise
        told = outcome_of(self.heard.of(execution))
        assert (how.status, how.output) == (told.status, told.output)
        return told

    async def _follow(self, reference: Outcome, handle: WorkflowHandle[Any, Any], document: Document) -> None:
        """While a local activity runs, Temporal hears of nothing else: what was started beside it is awaited later."""
        types = {name: node["type"] for name, node in document["nodes"].items()}
        local: set[str] = set()
        awaited: list[tuple[Callable[[], bool], str]] = []
        for step in reference.steps:
            match step.happening:
                case Settles(node, ending):
                    local.discard(node)
                    if types[node] in ACTIVITIES:
                        self.stage.actor(handle.id, node).cue.set_result(ending)
                    await _until(lambda node=node: (handle.id, node) in self.heard.settled, f"{node} settles")
                case Ends("cancelled"):
                    await handle.cancel()
                case _:
                    pass
            for node in {*step.started} ^ {*step.asked}:
                actor = self.stage.actor(handle.id, node)
                if node in step.asked:
                    actor.listens.set()
                    awaited.append((actor.asked_to_stop.is_set, f"{node} is asked to stop"))
                else:
                    local |= {node} if types[node] == "test.read" and self.stage.with_local else set()
                    awaited.append((actor.on_stage.is_set, f"{node} starts"))
            if not local:
                for happened, what in awaited:
                    await _until(happened, what)
                awaited.clear()


@asynccontextmanager
async def theatre(client: Client, variant: Variant) -> AsyncGenerator[Theatre]:
    # Without a cache the SDK breaks local activities off and has them done again, for which there is no cue.
    stage, heard, queue = Stage(with_local=variant.cached > 0), Heard(), f"q-{uuid.uuid4().hex}"
    async with means(stage.types) as have:
        host = Worker(
            client,
            task_queue=queue,
            workflows=[Interpreter],
            activities=[node_activity(have, heard), evaluate],
            interceptors=[StepEvents(heard.step)],
            workflow_runner=RUNNER,
            max_cached_workflows=variant.cached,
            max_heartbeat_throttle_interval=PROMPTLY,
            default_heartbeat_throttle_interval=PROMPTLY,
        )
        async with host:
            yield Theatre(client, queue, stage, heard)
            stage.dismiss()


@pytest.fixture
async def theatres(client: Client) -> AsyncGenerator[Mapping[str, Theatre]]:
    """One for each variant."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(theatre(client, variant)) for name, variant in VARIANTS.items()}


@pytest.mark.parametrize("name", VARIANTS)
async def test_every_example_ends_as_worked_out_by_hand(theatres: Mapping[str, Theatre], name: str) -> None:
    async def ends_as_it_must(example: Example) -> None:
        variant = VARIANTS[name]
        told = await agreed(theatres[name], variant, example.document, example.script)
        if variant.continue_after is None:  # else activities wait for each other, and some end otherwise
            assert {node: how.status for node, how in told.nodes.items()} == example.nodes

    results = await asyncio.gather(*map(ends_as_it_must, EXAMPLES), return_exceptions=True)
    failed = zip((example.sentence for example in EXAMPLES), results, strict=True)
    assert {sentence: result for sentence, result in failed if result is not None} == {}


REAL = settings(suppress_health_check=[*PROFILE.suppress_health_check, HealthCheck.function_scoped_fixture])


@settings(REAL, max_examples=PROFILE.max_examples // 2)
@given(cases())
async def test_any_graph_ends_as_the_reference_says_however_it_is_run(
    theatres: Mapping[str, Theatre], case: tuple[Document, Script]
) -> None:
    await asyncio.gather(*(agreed(theatres[name], variant, *case) for name, variant in VARIANTS.items()))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(REAL, max_examples=10 * PROFILE.max_examples)
@given(cases())
async def test_many_more_graphs_end_as_the_reference_says_however_they_are_run(
    theatres: Mapping[str, Theatre], case: tuple[Document, Script]
) -> None:
    await asyncio.gather(*(agreed(theatres[name], variant, *case) for name, variant in VARIANTS.items()))


async def agreed(here: Theatre, variant: Variant, document: Document, script: Script) -> Outcome:
    """What both the interpreter and the reference say; an error when they do not say the same."""
    reference = _reference(document, script, variant)
    told = await here.perform(document, script, reference, Tuning(continue_after=variant.continue_after, patience=3600))
    assert told == reference
    return told


def _reference(document: Document, script: Script, variant: Variant) -> Outcome:
    """An activity that is asked to stop before it was handed to a worker is cancelled at once."""
    while True:
        outcome = run(document, script, starts_before_pause=variant.continue_after)
        unheard = {node for step in outcome.steps for node in step.asked if node in step.started}
        at_once = {node: replace(script.behaviour(node), answers_after=0, answers=Acknowledges()) for node in unheard}
        if at_once.items() <= script.activities.items():
            return outcome
        script = replace(script, activities={**script.activities, **at_once})


async def _until(happened: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up, f"the reference says that {what} now, and the interpreter does not"
        await asyncio.sleep(0.002)
