"""What an execution does once it is known how it ends: it starts the workflow that is told of failures, reports to the
execution that waits for it, and makes room for others of its workflow."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from pydantic import JsonValue

from dag.batches import REPORT_BATCH, BatchEnd, report
from dag.concurrency import LEAVE, Leaving
from dag.errors import ErrorValue
from dag.plan import Plan
from dag.sub_workflows import BEGIN, ON_FAILURE, REPORT
from interpreter.failures import dumped
from interpreter.orders import Outcome
from interpreter.start import Start

PATH = "settings.on_failure"
"""Where the workflow that is told of failures is named. No node has this path."""
LIMIT = "settings.concurrency"
"""The same of how many executions run at once."""


@dataclass(frozen=True)
class Act:
    """One of Perdure's own activities to be run."""

    kind: Literal["on_failure", "report", "leave"]
    path: str
    activity: str
    argument: JsonValue


def acts(id: str, start: Start, plan: Plan, outcome: Outcome, *, gate: str | None) -> Iterator[Act]:
    """What is to be done, in order."""
    has_failed = outcome.status in ("failed", "timed_out")
    if has_failed and plan.on_failure is not None and start.trigger != ON_FAILURE:
        told: JsonValue = {
            "execution": id,
            "workflow": plan.workflow,
            "version": plan.version,
            "input": start.input,
            "error": None if outcome.error is None else dumped(outcome.error),
        }
        yield Act(
            ON_FAILURE,
            PATH,
            BEGIN,
            {
                "path": PATH,
                "name": plan.on_failure,
                "version": None,
                "input": told,
                "wait": False,
                "priority": plan.priority,
                "attempt": start.attempt,
                "trigger": ON_FAILURE,
            },
        )
    if start.parent is not None:
        end: JsonValue = {
            "path": start.parent.path,
            "execution": id,
            "status": outcome.status,
            "output": outcome.output,
            "error": None if outcome.error is None else dumped(outcome.error),
        }
        yield Act("report", start.parent.path, REPORT, {"parent": asdict(start.parent), "end": end})
    if gate is not None:
        yield Act("leave", LIMIT, LEAVE, asdict(Leaving(LIMIT, gate)))


def report_of_batch(start: Start, end: BatchEnd) -> Act:
    """What the strand of a batch does: it reports to the one that its loop runs in."""
    assert start.strand is not None
    return Act("report", end.batch.path, REPORT_BATCH, report(start.strand, end))


def cancelled() -> Outcome:
    """How an execution ends that somebody has cancelled."""
    return Outcome("cancelled", error=ErrorValue(code="cancelled", message="The execution was cancelled."))
