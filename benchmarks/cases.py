"""Every benchmark, in the order of the report."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from benchmarks.case import BY_HAND, Case, Contender, Limit, Stage
from benchmarks.handwritten import contenders as by_hand
from benchmarks.interpreted import contenders as ours
from benchmarks.interpreted import definitions
from benchmarks.rivals.contenders import POSTGRES, SQLITE, read_chains
from benchmarks.rivals.installation import install
from benchmarks.service import calling, journal, live
from benchmarks.service import contenders as service
from benchmarks.step import start

STEPS = 40
WIDTH = 100
CONTROLS = 1_000
TURNS = 1_000
SUM = sum(number + 1 for number in range(1, TURNS + 1))
LAYERS = 100
AT_ONCE = 200
SHORT = 3

Contenders = Callable[[Stage], AbstractAsyncContextManager[Sequence[Contender]]]


def _pair(ours: Callable[[Stage], Contender], *others: Callable[[Stage], Contender]) -> Contenders:
    @asynccontextmanager
    async def contenders(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
        yield [build(stage) for build in (ours, *others)]

    return contenders


@asynccontextmanager
async def _without_effects(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
    async with read_chains(stage.folder, STEPS) as rivals:
        document = definitions.chain(STEPS, "bench.read")
        yield [
            ours.execution(stage, document, result=start(STEPS).model_dump()),
            by_hand.read_chain(stage, STEPS),
            *rivals,
        ]


CASES = (
    Case(
        "chain",
        f"Chain of {STEPS} activities",
        _pair(
            lambda stage: ours.execution(
                stage, definitions.chain(STEPS, "bench.step"), result=start(STEPS).model_dump()
            ),
            lambda stage: by_hand.chain(stage, STEPS),
        ),
        limits=(Limit("ratio", 1.10, BY_HAND),),
        samples=6,
    ),
    Case(
        "fan-out",
        f"Fan-out of {WIDTH} activities and a join",
        _pair(
            lambda stage: ours.execution(stage, definitions.fan_out(WIDTH), result=WIDTH),
            lambda stage: by_hand.fan_out(stage, WIDTH),
            lambda stage: by_hand.watched_fan_out(stage, WIDTH),
        ),
        limits=(Limit("ratio", 1.05, BY_HAND),),
        samples=50,
    ),
    Case(
        "chain-without-effects",
        f"Chain of {STEPS} activities without effects",
        _without_effects,
        limits=(Limit("ratio", 1.10, BY_HAND), Limit("ratio", 1.0, POSTGRES), Limit("ratio", 1.0, SQLITE)),
        samples=10,
        prepare=install,
    ),
    Case(
        "control-nodes",
        f"{CONTROLS:,} control nodes, a chain of transforms",
        _pair(
            lambda stage: ours.execution(stage, definitions.transforms(CONTROLS), result=CONTROLS),
            by_hand.empty,
        ),
        limits=(Limit("difference", 0.040, by_hand.EMPTY),),
        samples=5,
    ),
    Case(
        "control-nodes-mixed",
        f"{CONTROLS:,} control nodes of four kinds: set, if, switch, transform",
        _pair(
            lambda stage: ours.execution(stage, definitions.mixed(CONTROLS), result=CONTROLS // 4),
            by_hand.empty,
        ),
        limits=(Limit("difference", 0.040, by_hand.EMPTY),),
        samples=5,
    ),
    Case(
        "loop",
        f"Loop of {TURNS:,} turns with an activity each",
        _pair(
            lambda stage: ours.execution(stage, definitions.loop(TURNS), result=start(TURNS).model_dump()),
            lambda stage: by_hand.chain(stage, TURNS),
        ),
        most=7,
        warm_up=1,
    ),
    Case(
        "for-each",
        f"`for_each` of {TURNS:,} items, {WIDTH} at once, an activity each",
        _pair(
            lambda stage: ours.execution(stage, definitions.for_each(WIDTH), input=start(TURNS), result=SUM),
            lambda stage: by_hand.window(stage, TURNS, WIDTH, result=SUM),
        ),
        most=7,
        warm_up=1,
    ),
    Case(
        "while",
        f"`while` of {TURNS:,} turns with a control node each",
        _pair(
            lambda stage: ours.execution(stage, definitions.counting(TURNS), result=TURNS),
            by_hand.empty,
        ),
        samples=5,
    ),
    Case(
        "one-activity",
        "One activity, from start to result",
        _pair(
            lambda stage: ours.execution(stage, definitions.chain(1, "bench.step"), result=start(1).model_dump()),
            lambda stage: by_hand.chain(stage, 1),
        ),
        limits=(Limit("ratio", 1.15, BY_HAND),),
        samples=15,
    ),
    Case(
        "at-once",
        f"{AT_ONCE} executions of a chain of {SHORT} activities, started at once",
        _pair(
            lambda stage: ours.execution(
                stage, definitions.chain(SHORT, "bench.step"), result=start(SHORT).model_dump(), at_once=AT_ONCE
            ),
            lambda stage: by_hand.chain(stage, SHORT, at_once=AT_ONCE),
        ),
        count=AT_ONCE,
    ),
    Case(
        "api-start",
        "What the API adds to a start",
        service.starts(SHORT),
        limits=(Limit("difference", 0.010, service.DIRECT),),
        samples=20,
    ),
    Case(
        "api-wait",
        "From the end of an execution to the answer of `?wait`",
        service.waits(SHORT),
        limits=(Limit("seconds", 0.050),),
        samples=20,
    ),
    Case(
        "api-at-once",
        f"{AT_ONCE} executions of a chain of {SHORT} activities, started at once through the API",
        service.at_once(SHORT, AT_ONCE),
        count=AT_ONCE,
    ),
    Case(
        "sub-workflow",
        "Sub-workflow call: an execution that starts another one and waits for its end",
        calling.calls,
        samples=15,
    ),
    Case(
        "journal",
        f"{journal.EVENTS:,} step events of {journal.EXECUTIONS} executions, written into the journal",
        journal.sink,
        limits=(Limit("rate", 5_000),),
        count=journal.EVENTS,
    ),
    Case(
        "live",
        f"From a step event to a WebSocket, {live.A_SECOND} events a second of {live.EXECUTIONS} executions",
        live.latency(50),
        limits=(Limit("seconds", 0.050),),
    ),
    Case(
        "live-slowest",
        f"The same, 95 of 100 events, {live.A_SECOND} a second",
        live.latency(95),
        limits=(Limit("seconds", 0.200),),
    ),
    Case(
        "live-many",
        f"From a step event to each of {live.FOLLOWERS:,} WebSockets at one API process, 95 of 100",
        live.many,
        most=3,
        warm_up=1,
    ),
    Case(
        "large-graph-publish",
        f"{LAYERS * LAYERS:,} nodes: read, check and compile",
        _pair(lambda _: ours.publication(definitions.layers(LAYERS, LAYERS))),
        limits=(Limit("seconds", 5.0),),
        most=5,
        warm_up=0,
    ),
    Case(
        "large-graph-run",
        f"{LAYERS * LAYERS:,} nodes: run to the end (a tenth activities with effects, a tenth without)",
        _pair(lambda stage: ours.execution(stage, definitions.layers(LAYERS, LAYERS), result=LAYERS)),
        most=3,
        warm_up=0,
    ),
)
