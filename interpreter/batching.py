"""Cuts the batch of a large loop out of an execution, as the state of a strand that runs it, and back: what it did.

The strand is an execution of the same plan. The graphs around the loop stand in it as they are, with what is seen of
them from inside the loop, and nothing in them goes on."""

from collections.abc import Iterator
from typing import Literal

from pydantic import JsonValue, TypeAdapter

from dag.batches import Batch, BatchEnd, Beginning, report
from dag.errors import ErrorValue
from dag.plan import PlanGraph, Sees
from interpreter.clock import Progress
from interpreter.compensation import Due
from interpreter.constructs.batches import AT_ONCE, Batched
from interpreter.constructs.for_each import ForEach, needed, slot_of
from interpreter.constructs.steps import Dispatch
from interpreter.constructs.trying import Try
from interpreter.frames import Frame, Frames, FrameState, Held
from interpreter.frontier import UNSETTLED, Standing
from interpreter.handing_down import batch_state
from interpreter.outputs import Index, Outputs
from interpreter.rounds import first_of
from interpreter.start import Carried, Reuse, Start

_DUE = TypeAdapter(list[Due])
_BEGINNING = TypeAdapter(Beginning)
_CARRIED = TypeAdapter(Carried)


class Batching:
    """Begins batches, and tells what they have done."""

    def __init__(self, start: Start, at: Carried, frames: Frames, outputs: Outputs):
        self._start = start
        self._at = at
        self._frames = frames
        self._outputs = outputs

    def beginning(self, frame: Frame, place: int, held: Held, step: Dispatch) -> JsonValue:
        """What a batch begins with, as the argument of the activity that begins it."""
        loop = held.state
        assert isinstance(loop, Batched)
        items = self._outputs.value(held.slots)
        assert isinstance(items, list)
        slots = self._frames.counter
        values: dict[int, JsonValue] = {slots: items[step.first : step.first + step.count]}
        around = [*frame.outward()]
        states = [_frozen(one) for one in around]
        states[0].held[place] = Held(_slice_of(loop, step), slots, 1 + step.count)
        for inner, outer in zip(around, states[1:], strict=False):
            outer.held[inner.holder] = Held(Try(), slots, size=0)  # it stands for whatever it is
        states[-1].due = []
        for level, at in sorted(_seen(frame.graph.nodes[place].graphs["body"])):
            number = around[level].at.base + at
            if number in self._outputs:
                values[number] = self._outputs.value(number)
        carried = Carried(
            states[::-1],
            self._at.started_at,
            self._at.seed,
            counter=slots + 1 + step.count,
            start_time=self._at.start_time,
            outputs=Index([[*values]]),
            test=None if self._at.test is None else Progress(self._at.test.skipped, begun=True),
            reuse=self._reuse_in(loop.path),
        )
        if self._at.steering is not None:
            carried.steering = batch_state(self._at.steering, loop.path, step.number)
        beginning = Beginning(
            path=loop.path,
            batch=Batch(loop.path, step.number),
            in_flight=max(1, self._start.tuning.in_flight // AT_ONCE),
            carried=_CARRIED.dump_python(carried, mode="json"),
            values=[*values.values()],
        )
        return _BEGINNING.dump_python(beginning, mode="json")

    def _reuse_in(self, loop: str) -> Reuse | None:
        """What is known to run anew in a loop; the rest a batch finds out for itself."""
        reuse = self._at.reuse
        if reuse is None:
            return None
        rounds = {
            path: round for path, round in reuse.rounds.items() if path.startswith(f"{loop}[") or path == first_of(loop)
        }
        return Reuse(rounds=rounds)

    def loop(self) -> tuple[Frame, int] | None:
        """Where the loop is of which this strand is a batch, if it is one."""
        if self._start.strand is None:
            return None
        return next(
            (frame, place)
            for frame in self._frames.all()
            for place, held in frame.at.held.items()
            if isinstance(held.state, ForEach) and held.state.of is not None
        )

    def warning(self, how: Literal["breaking", "failing"]) -> JsonValue:
        """That this strand, which is a batch, comes to its end; as the argument of the activity that tells it."""
        assert self._start.strand is not None
        return report(self._start.strand, BatchEnd(self._start.strand.batch, how, attempt=self._start.attempt))

    def failed(self, error: ErrorValue) -> BatchEnd:
        """This strand has not come to do anything."""
        assert self._start.strand is not None
        return BatchEnd(self._start.strand.batch, "failed", error=error, attempt=self._start.attempt)

    def end(self, frame: Frame, place: int) -> BatchEnd:
        """What this strand has done, which is a batch of the loop."""
        assert self._start.strand is not None
        held = frame.at.held[place]
        loop = held.state
        assert isinstance(loop, ForEach)
        outputs = {
            str(turn): self._outputs.value(held.slots + slot_of(loop, turn)) for turn in needed(loop.result, loop.ended)
        }
        due = {str(loop.first + slot - 1): _DUE.dump_python(each, mode="json") for slot, each in held.blocks.items()}
        return BatchEnd(
            self._start.strand.batch,
            "stopped" if self._frames.root.at.standing.ending == "stopped" else _how(loop),
            turns=loop.ended,
            outputs=outputs,
            errors=loop.errors,
            due=due,
            failures=loop.failures,
            error=loop.error,
            output=self._at.stop_output,
            attempt=self._start.attempt,
        )


def owed(written: JsonValue) -> list[Due]:
    """What turns of a batch have done that is to be undone."""
    return _DUE.validate_python(written)


def _slice_of(loop: Batched, step: Dispatch) -> ForEach:
    return ForEach(
        step.count,
        step.concurrency,
        loop.tolerated,
        loop.result,
        next=step.first,
        first=step.first,
        of=loop.count,
    )


def _frozen(frame: Frame) -> FrameState:
    """A graph around the loop, in which nothing goes on. What is in the middle of something is so elsewhere."""
    at = frame.at
    standing = at.standing
    copy = Standing(
        ["pending" if status in UNSETTLED else status for status in standing.status],
        standing.port,
        standing.edges,
        failed=standing.failed,  # no `stop` ends the execution then
    )
    return FrameState(
        at.base,
        copy,
        holder=at.holder,
        part=at.part,
        turn=at.turn,
        slot=at.slot,
        shielded=at.shielded,
        names=at.names,
        begun=True,
        vars=at.vars,
        errors=at.errors,
    )


def _how(loop: ForEach) -> Literal["done", "failed", "broken", "cancelled"]:
    if loop.error is not None:  # first of all: whoever cancelled it may not have heard of that
        return "failed"
    if loop.leaving:
        return "cancelled"
    return "broken" if loop.broken else "done"


def _seen(graph: PlanGraph, depth: int = 1) -> set[tuple[int, int]]:
    """The nodes of the graphs around a loop whose outputs are seen from inside, each with how many levels around that
    of the loop its graph is."""
    found: set[tuple[int, int]] = set()
    for sees in _sights(graph):
        found.update((level - depth, place) for level, place, _ in sees.around if level >= depth)
    for node in graph.nodes:
        for inner in node.graphs.values():
            found |= _seen(inner, depth + 1)
    return found


def _sights(graph: PlanGraph) -> Iterator[Sees]:
    yield graph.vars_see
    yield graph.output_sees
    for node in graph.nodes:
        yield node.sees
        if node.compensate is not None:
            yield node.compensate.sees
