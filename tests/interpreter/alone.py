"""Executions without Temporal: as they begin, and as they go over to another run."""

from pydantic import TypeAdapter

from dag.plan import Plan
from interpreter.execution import Execution
from interpreter.journal import Emit, Now
from interpreter.reusable import Remember
from interpreter.start import Carried, Start, fresh

CARRIED = TypeAdapter(Carried)


class Untimed:
    """Knows no machine that is too slow."""

    def recall(self) -> bool | None:
        return False

    def record(self) -> None:
        raise AssertionError("nothing is cut short")


def execution(
    plan: Plan,
    start: Start,
    *,
    now: Now,
    emit: Emit,
    began: float = 0.0,
    before: Execution | None = None,
    remember: Remember | None = None,
) -> Execution:
    """An execution that begins, or goes on from one of which nothing is left but what can be written down."""
    carried, segments = (fresh(plan.graph, now=began, seed=0), []) if before is None else before.carried()
    carried = CARRIED.validate_json(CARRIED.dump_json(carried))
    return Execution(
        "ex",
        start,
        plan,
        now=now,
        emit=emit,
        pace=Untimed(),
        carried=carried,
        segments=segments,
        remember=remember,
    )
