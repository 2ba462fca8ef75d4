"""The real interpreter on a real server against the reference evaluator: activities end when the reference says."""

import asyncio
import math
import re
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from dag.events import StepEvent
from dag.journal import replaces
from interpreter import workflow
from interpreter.start import Start, Tuning
from interpreter.workflow import Interpreter
from runtime.executions import start
from tests.interpreter.engine import ended
from tests.interpreter.publishing import published
from tests.reference.document import ACTIVITIES, Document
from tests.reference.evaluator import run
from tests.reference.example import Example
from tests.reference.examples import EXAMPLES
from tests.reference.examples_of_constructs import CONSTRUCTS
from tests.reference.journal import SETTLED, outcome_of, without_words
from tests.reference.outcome import Outcome
from tests.reference.paths import node_at
from tests.reference.script import Acknowledges, Script
from tests.reference.stage import Stage
from tests.reference.strategies import graphs, nested, scripts, worlds
from tests.reference.world import Ends, Settles
from tests.worker.attempts import means
from worker.adapter import node_activity
from worker.batches import batch_activities
from worker.evaluation import evaluate
from worker.host import RUNNER
from worker.local_calls import LocalCalls
from worker.records import Attempt, Lines, Progress
from worker.step_events import StepEvents

PATIENCE = 60.0
"""Seconds to wait for what the reference says must come."""
NEXT = 1e-9
"""Seconds in which nothing else comes: right after what happens at once."""
MANY = 300
"""Examples where there is time; each is up to six documents, in all variants."""
AT_ONCE = 30
"""Examples that are played at the same time."""
PROMPTLY = timedelta(milliseconds=10)
_TURN = re.compile(r"(?<!\.catch)\[[0-9]+\]")
PROFILE = settings.get_profile(settings.get_current_profile_name())


@dataclass(frozen=True)
class Variant:
    """How executions are run; none of it may be seen in their outcome."""

    continue_after: int | None = None
    cached: int = 500
    batched: bool = False
    cut_short: bool = False
    """Each turn ends after each of its steps: nothing is asked to stop in the workflow task that starts it."""

    @property
    def tuning(self) -> Tuning:
        tuning = Tuning(continue_after=self.continue_after, patience=3600)
        return replace(tuning, batch=1, batches_beyond=0) if self.batched else tuning


VARIANTS = {
    "plain": Variant(),
    "continued as new at every safe point": Variant(continue_after=1),
    "replayed from the start at every step": Variant(cached=0),
    "both": Variant(continue_after=2, cached=0),
    "with each turn of a concurrent loop as a batch": Variant(batched=True),
}
CUT_SHORT = {
    "cut short": Variant(cut_short=True),
    "cut short and continued as new": Variant(cut_short=True, continue_after=1),
    "cut short and replayed": Variant(cut_short=True, cached=0),
}


Case = tuple[Document, Script]


def cases() -> st.SearchStrategy[list[Case]]:
    """Several at once, for the sake of speed."""
    case = graphs(virtual_time=False).flatmap(
        lambda document: st.tuples(st.just(document), scripts(document, virtual_time=False))
    )
    return st.lists(case, min_size=1, max_size=6)


def nested_cases() -> st.SearchStrategy[list[Case]]:
    """The same with graphs within graphs."""
    case = nested(virtual_time=False).flatmap(
        lambda document: st.tuples(st.just(document), worlds(document, virtual_time=False))
    )
    return st.lists(case, min_size=1, max_size=4)


@dataclass
class Heard:
    """A sink that keeps what each execution said, and which nodes have settled, by workflow id."""

    events: defaultdict[str, dict[tuple[str, int], StepEvent]] = field(
        default_factory=lambda: defaultdict[str, dict[tuple[str, int], StepEvent]](dict)
    )
    settled: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def step(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 as a Sink
        said, number = self.events[event.execution], (event.strand, event.n)
        if number not in said:
            said[number] = event
        elif replaces(event, said[number], replayed=replaying):
            said[number] = event
            for strand, n in [*said]:  # what an abandoned task went on to say never happened
                if strand == event.strand and n > event.n and said[strand, n].task < event.task:
                    del said[strand, n]
        if event.type in SETTLED:
            self.settled.add((f"acme/{event.execution}", event.path))

    def attempt(self, record: Attempt) -> None:
        pass

    def told(self, record: Lines | Progress) -> None:
        pass

    def has_all(self, execution: str) -> bool:
        """Whether its batches have said their last: they report to the loop before they end."""
        last = {strand: event for (strand, _), event in sorted(self.events[execution].items())}
        return all(event.type == "strand.ended" for strand, event in last.items() if strand)

    def of(self, execution: str) -> list[StepEvent]:
        return [event for _, event in sorted(self.events[execution].items())]


@dataclass(frozen=True, repr=False)
class Theatre:
    """A worker whose activities are on a stage."""

    client: Client
    variant: Variant
    queue: str
    stage: Stage
    heard: Heard

    async def perform(self, document: Document, script: Script, reference: Outcome) -> Outcome:
        """Run a document as the reference ran it: let the same happen in the same order, one thing after another."""
        execution = f"ex_{uuid.uuid4().hex}"
        plan = published(document, types=self.stage.types)
        begin = Start(input=dict(script.input), tuning=self.variant.tuning)
        handle = await start(self.client, plan, begin, tenant="acme", execution=execution, queue=self.queue)
        try:
            await self._follow(reference, handle, document)
            how = await ended(handle)
            await _until(lambda: self.heard.has_all(execution), "its batches end")
        except AssertionError:
            with suppress(RPCError):  # it may have ended meanwhile
                await handle.terminate()
            raise
        told = outcome_of(self.heard.of(execution))
        assert (how.status, without_words(how.output)) == (told.status, told.output)
        return told

    async def _follow(self, reference: Outcome, handle: WorkflowHandle[Any, Any], document: Document) -> None:
        local = _local(reference, document, self.stage)
        unheard = self.unheard(reference, document)
        busy: set[str] = set()
        awaited: dict[str, Callable[[], bool]] = {}
        for step in reference.steps:
            match step.happening:
                case Settles(node, ending):
                    busy.discard(node)
                    if node_at(node, document)["type"] in ACTIVITIES:
                        self.stage.actor(handle.id, node).cue.set_result(ending)
                    await _until(self._settles(handle.id, node), f"{node} settles")
                case Ends("cancelled"):
                    await handle.cancel()
                case _:
                    pass
            for node in step.settled:
                awaited[f"{node} settles"] = self._settles(handle.id, node)
            busy |= local.intersection(step.started)
            for node in {*step.started} - unheard:
                awaited[f"{node} starts"] = self.stage.actor(handle.id, node).on_stage.is_set
            for node in {*step.asked} - unheard:
                actor = self.stage.actor(handle.id, node)
                actor.listens.set()
                awaited[f"{node} is asked to stop"] = actor.asked_to_stop.is_set
            for what in list(awaited):
                if not busy or what.split()[0] in local:  # while a local activity runs, the server hears of nothing
                    await _until(awaited.pop(what), what)

    def unheard(self, outcome: Outcome, document: Document) -> set[str]:
        """Those that were asked to stop in the workflow task that started them."""
        return set() if self.variant.cut_short else _unheard(outcome, _local(outcome, document, self.stage))

    def _settles(self, workflow: str, node: str) -> Callable[[], bool]:
        return lambda: (workflow, node) in self.heard.settled


@asynccontextmanager
async def theatre(client: Client, variant: Variant) -> AsyncGenerator[Theatre]:
    # Without a cache the SDK breaks local activities off and has them done again, for which there is no cue. And while
    # one runs, a turn that was cut short does not go on.
    with_local = variant.cached > 0 and not variant.cut_short
    stage, heard, queue = Stage(with_local=with_local), Heard(), f"q-{uuid.uuid4().hex}"
    calls = LocalCalls()
    async with means(stage.types) as have:
        host = Worker(
            client,
            task_queue=queue,
            workflows=[Interpreter],
            activities=[node_activity(have, heard, calls), evaluate, *batch_activities(client)],
            interceptors=[calls, StepEvents(heard.step)],
            workflow_runner=RUNNER,
            max_cached_workflows=variant.cached,
            max_heartbeat_throttle_interval=PROMPTLY,
            default_heartbeat_throttle_interval=PROMPTLY,
        )
        async with host:
            yield Theatre(client, variant, queue, stage, heard)
            stage.dismiss()


Theatres = Mapping[str, Theatre]


@asynccontextmanager
async def all_of(client: Client, variants: Mapping[str, Variant]) -> AsyncGenerator[Theatres]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(theatre(client, variant)) for name, variant in variants.items()}


@pytest.fixture
async def theatres(client: Client, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Theatres]:
    """One for each variant. That a machine stands still for a moment must not end a turn in its middle: what is asked
    to stop in the turn that starts it is cancelled before it begins."""
    monkeypatch.setattr(workflow, "LONGEST_TURN", math.inf)
    async with all_of(client, VARIANTS) as made:
        yield made


@pytest.fixture
async def hurried(client: Client, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Theatres]:
    """One for each variant in which turns are cut short."""
    monkeypatch.setattr(workflow, "LONGEST_TURN", -1.0)
    async with all_of(client, CUT_SHORT) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
async def test_every_example_ends_as_worked_out_by_hand(theatres: Theatres, name: str) -> None:
    async def ends_as_it_must(example: Example) -> None:
        for play in played(theatres[name], example.document, example.script):
            told = await play.agrees()
            if VARIANTS[name].continue_after is None:  # else activities wait for each other, and some end otherwise
                assert {node: how.status for node, how in told.nodes.items()} == example.nodes

    examples = [*EXAMPLES, *filter(_takes_no_time, CONSTRUCTS)]
    results: list[BaseException | None] = []
    for some in batched(examples, AT_ONCE):
        results += await asyncio.gather(*map(ends_as_it_must, some), return_exceptions=True)
    failed = zip((example.sentence for example in examples), results, strict=True)
    assert {sentence: result for sentence, result in failed if result is not None} == {}


def _takes_no_time(example: Example) -> bool:
    """Whether it can be played here, where things happen one after another, and not at a time."""
    text = orjson.dumps(example.document)
    return b'"delay"' not in text and b'"timeout"' not in text


REAL = settings(suppress_health_check=[*PROFILE.suppress_health_check, HealthCheck.function_scoped_fixture])


@settings(REAL, max_examples=PROFILE.max_examples // 10)
@given(cases())
async def test_any_graph_ends_as_the_reference_says_however_it_is_run(theatres: Theatres, cases: list[Case]) -> None:
    await all_agree(theatres, cases)


@settings(REAL, max_examples=PROFILE.max_examples // 10)
@given(nested_cases())
async def test_any_nested_graph_ends_as_the_reference_says_however_it_is_run(
    theatres: Theatres, cases: list[Case]
) -> None:
    await all_agree(theatres, cases)


@settings(REAL, max_examples=PROFILE.max_examples // 10)
@given(cases() | nested_cases())
async def test_any_graph_ends_as_the_reference_says_where_every_turn_is_cut_short(
    hurried: Theatres, cases: list[Case]
) -> None:
    await all_agree(hurried, cases)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(REAL, max_examples=MANY)
@given(cases() | nested_cases())
async def test_many_more_graphs_end_as_the_reference_says_where_every_turn_is_cut_short(
    hurried: Theatres, cases: list[Case]
) -> None:
    await all_agree(hurried, cases)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(REAL, max_examples=MANY)
@given(nested_cases())
async def test_many_more_nested_graphs_end_as_the_reference_says_however_they_are_run(
    theatres: Theatres, cases: list[Case]
) -> None:
    await all_agree(theatres, cases)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(REAL, max_examples=MANY)
@given(cases())
async def test_many_more_graphs_end_as_the_reference_says_however_they_are_run(
    theatres: Theatres, cases: list[Case]
) -> None:
    await all_agree(theatres, cases)


async def all_agree(theatres: Theatres, cases: list[Case]) -> None:
    """Nothing runs while the reference computes, or workers would be late with their tasks."""
    plays = [play for case in cases for here in theatres.values() for play in played(here, *case)]
    for result in await asyncio.gather(*(play.agrees() for play in plays), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


@dataclass(frozen=True, repr=False)
class Play:
    """What is to be performed, and what the reference says of it."""

    here: Theatre
    document: Document
    script: Script
    reference: Outcome

    async def agrees(self) -> Outcome:
        """What both the interpreter and the reference say; an error when they do not say the same."""
        told = await self.here.perform(self.document, self.script, self.reference)
        assert told == self.reference, self._differing(told)
        return told

    def _differing(self, told: Outcome) -> str:
        """What an author of the engine needs to see, and the document to try it again."""
        ours, theirs = told.nodes, self.reference.nodes
        nodes = {path: (ours.get(path), theirs.get(path)) for path in {*ours, *theirs}}
        apart = "\n".join(f"{path}: {a} not {b}" for path, (a, b) in nodes.items() if a != b)
        steps = "\n".join(map(str, self.reference.steps))
        return f"{self.here.variant}\n{apart}\n{orjson.dumps(self.document).decode()}\n{self.script}\n{steps}"


def played(here: Theatre, document: Document, script: Script) -> Iterator[Play]:
    """How the reference says that it goes, if that can be compared."""
    reference = _reference(document, script, here)
    if here.variant.batched:
        local = _local(reference, document, here.stage)
        if _has_brief_turns(reference, local) or _is_heard_late(reference, local):
            return  # a batch takes a moment to begin, and to be heard of: what happens next may be sooner
    yield Play(here, document, script, reference)


def _is_heard_late(outcome: Outcome, local: set[str]) -> bool:
    """Whether something outside a turn follows from what happens in it while a local activity runs outside: until that
    has ended, its workflow hears of nothing."""
    busy: set[str] = set()
    for step in outcome.steps:
        if isinstance(step.happening, Settles):
            node = step.happening.node
            busy.discard(node)
            for turn in _TURN.finditer(node):
                inside = node[: turn.end()]
                follows = any(not path.startswith(inside) for path in (*step.started, *step.settled))
                if follows and any(not path.startswith(inside) for path in busy):
                    return True
        busy |= local.intersection(step.started)
    return False


def _has_brief_turns(outcome: Outcome, local: set[str]) -> bool:
    """Whether turns end as they start, or would."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, step in enumerate(outcome.steps):
        for path in (*step.started, *step.settled):
            for turn in _TURN.finditer(path):
                first.setdefault(path[: turn.end()], number)
                last[path[: turn.end()]] = number
    return first.items() & last.items() != set() or any("[" in path for path in _unheard(outcome, local))


def _local(outcome: Outcome, document: Document, stage: Stage) -> set[str]:
    """The paths of what ran as local activities."""
    return stage.local(document, {path for step in outcome.steps for path in step.started})


def _reference(document: Document, script: Script, here: Theatre) -> Outcome:
    """An activity that is asked to stop before the server heard of it is cancelled at once, whatever its part; local
    ones first (interpreter/ended.py)."""
    while True:
        outcome = run(document, script, starts_before_pause=here.variant.continue_after)
        local = _local(outcome, document, here.stage)
        at_once = {
            node: replace(script.behaviour(node), answers_after=0 if node in local else NEXT, answers=Acknowledges())
            for node in here.unheard(outcome, document)
        }
        if at_once.items() <= script.activities.items():
            return outcome
        script = replace(script, activities={**script.activities, **at_once})


def _unheard(outcome: Outcome, local: set[str]) -> set[str]:
    """Those that were asked to stop in the workflow task that started them. They settle in that task, whose commands go
    to the server when it ends."""
    unheard: set[str] = set()
    unsent: set[str] = set()
    busy: set[str] = set()
    for step in outcome.steps:
        if isinstance(step.happening, Settles):
            busy.discard(step.happening.node)
        busy |= local.intersection(step.started)
        unsent = {*step.started, *(unsent - local)}
        at_once = unsent.intersection(step.asked)
        unheard |= at_once
        busy |= at_once
        if not busy:
            unsent = set()
    return unheard


def batched(examples: Sequence[Example], size: int) -> list[Sequence[Example]]:
    return [examples[n : n + size] for n in range(0, len(examples), size)]


async def _until(happened: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up, f"the reference says that {what} now, and the interpreter does not"
        await asyncio.sleep(0.002)
