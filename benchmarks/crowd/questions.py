"""What people ask of a crowded database: lists, searches, and looks into the largest execution."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from benchmarks.crowd.filling import UNTIL, WORKFLOWS
from dag.node_places import place
from store import execution_search, executions, node_run_counts, node_run_reading
from store.execution_search import Filters
from store.ids import ExecutionId
from store.node_run_reading import Filters as NodeFilters
from store.session import Session

PAGE = 51
Question = Callable[[Session, int], Awaitable[object]]
"""Asked again with another number, it asks for something else of the same kind."""


def questions(largest: str) -> Mapping[str, Question]:
    """By what they are for."""
    big = ExecutionId(largest)
    return {
        "all": _listed(lambda _: {}),
        "all, far down the list": _far(lambda _: {}),
        "a workflow": _listed(lambda n: {"workflow": f"w-{n % WORKFLOWS}"}),
        "a workflow, far down the list": _far(lambda n: {"workflow": f"w-{n % WORKFLOWS}"}),
        "a version of a workflow": _listed(lambda n: {"workflow": f"w-{n % WORKFLOWS}", "version": 1 + n % 5}),
        "a version that there is not": _listed(lambda n: {"workflow": f"w-{n % WORKFLOWS}", "version": 9}),
        "a status": _listed(lambda n: {"status": [_STATUSES[n % len(_STATUSES)]]}),
        "several statuses": _listed(lambda n: {"status": _some(n)}),
        "a status of a workflow": _listed(
            lambda n: {"workflow": f"w-{n % WORKFLOWS}", "status": [_STATUSES[n % len(_STATUSES)]]}
        ),
        "several statuses of a workflow": _listed(lambda n: {"workflow": f"w-{n % WORKFLOWS}", "status": _some(n)}),
        "a trigger": _listed(lambda n: {"trigger": ("api", "schedule", "webhook", "workflow", "on_failure")[n % 5]}),
        "a trigger of a workflow, failed": _listed(
            lambda n: {
                "workflow": f"w-{n % WORKFLOWS}",
                "trigger": ("schedule", "workflow")[n % 2],
                "status": ["failed"],
            }
        ),
        "a common label": _listed(lambda n: {"label": [("team", f"team-{n % 8}")]}),
        "a label of some": _listed(lambda n: {"label": [("customer", f"c-{n * 37 % 10_000}")]}),
        "two labels": _listed(lambda n: {"label": [("region", "asia"), ("customer", f"c-{n * 41 % 10_000}")]}),
        "a common label, failed": _listed(lambda n: {"label": [("team", f"team-{n % 8}")], "status": ["failed"]}),
        "a label of a workflow": _listed(
            lambda n: {"workflow": f"w-{n % WORKFLOWS}", "label": [("team", f"team-{n % 8}")]}
        ),
        "a search field that one has": _listed(lambda n: {"field": [("order", f"A-{n * 4441}")]}),
        "a search field that many have": _listed(lambda n: {"field": [("total", str(n * 7 % 1000))]}),
        "a label that none has": _listed(lambda n: {"label": [("team", "nobody")]}),
        "started on a day": _listed(_day("started")),
        "started on a day, of a workflow": _listed(lambda n: {**_day("started")(n), "workflow": f"w-{n % WORKFLOWS}"}),
        "started on a day, failed": _listed(lambda n: {**_day("started")(n), "status": ["failed"]}),
        "closed on a day": _listed(_day("closed")),
        "closed in a month, failed": _listed(lambda n: {**_day("closed", 30)(n), "status": ["failed", "timed_out"]}),
        "a family of errors": _listed(lambda n: {"error_code": ("http", "user", "user.rejected", "timeout")[n % 4]}),
        "an error code of a workflow": _listed(
            lambda n: {"workflow": f"w-{n % WORKFLOWS}", "error_code": ("http.status", "user.rejected.twice")[n % 2]}
        ),
        "a word of the error": _listed(lambda n: {"error": ("shop", "customer", "number", "nowhere")[n % 4]}),
        "words of the error": _listed(lambda n: {"error": ("the shop answered 503", "offer the second")[n % 2]}),
        "words of the error, of a workflow": _listed(
            lambda n: {"workflow": f"w-{n % WORKFLOWS}", "error": ("shop answered", "rejected second offer")[n % 2]}
        ),
        "those that one started": _listed(lambda n: {"parent": largest}),
        "one execution": lambda s, n: executions.find(s, big),
        "node runs": _runs(big, lambda _: {}),
        "node runs, far down the list": _runs(big, lambda _: {}, after=60_000),
        "node runs of a status": _runs(big, lambda n: {"status": [("failed", "succeeded", "waiting")[n % 3]]}),
        "node runs of a type": _runs(big, lambda n: {"type": ("http.request", "for_each", "approval")[n % 3]}),
        "node runs of a node": _runs(big, lambda n: {"places": [("each.price", "each.keep", "report")[n % 3]]}),
        "node runs in a turn": _runs(big, lambda n: {"under": f"each[{n * 97 % 10_000}]"}),
        "node runs of an hour": _runs(big, lambda n: {"started_after": UNTIL - timedelta(days=45, hours=-n)}),
        "the graph": lambda s, n: node_run_counts.by_place(s, big, attempt=1, under=None),
        "the graph inside a loop": lambda s, n: node_run_counts.by_place(s, big, attempt=1, under=place("each")),
        "the graph of a turn": lambda s, n: node_run_counts.by_place(s, big, attempt=1, under=f"each[{n * 89}]"),
    }


_STATUSES = ("succeeded", "failed", "cancelled", "timed_out", "waiting", "running", "queued", "paused")


def _some(n: int) -> list[str]:
    return (["failed", "timed_out"], ["running", "waiting", "queued"], ["succeeded", "cancelled"])[n % 3]


def _day(what: str, days: int = 1) -> Callable[[int], dict[str, Any]]:
    def told(n: int) -> dict[str, Any]:
        before = UNTIL - timedelta(days=n * 7 % 60)
        return {f"{what}_after": before - timedelta(days=days), f"{what}_before": before}

    return told


def _listed(filters: Callable[[int], Mapping[str, Any]]) -> Question:
    return lambda s, n: execution_search.some(s, Filters(**filters(n)), after=None, limit=PAGE - 1)


def _far(filters: Callable[[int], Mapping[str, Any]]) -> Question:
    def asks(s: Session, n: int) -> Awaitable[object]:
        return execution_search.some(
            s, Filters(**filters(n)), after=(UNTIL - timedelta(days=20 + n), ""), limit=PAGE - 1
        )

    return asks


def _runs(execution: ExecutionId, filters: Callable[[int], Mapping[str, Any]], *, after: int = 0) -> Question:
    return lambda s, n: node_run_reading.page(
        s, execution, NodeFilters(**filters(n)), attempt=1, after=after, limit=PAGE
    )
