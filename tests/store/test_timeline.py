"""The spans of a node run: what it did when, without gaps."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from store.attempts import Attempt
from store.timeline import spans

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: float) -> datetime:
    return BEGAN + timedelta(seconds=second)


def tried(number: int, began: float, ended: float, status: str = "failed") -> Attempt:
    return Attempt(number, status, at(began), at(ended), None)


def told(*args: Any) -> list[tuple[str, float, float | None]]:
    def second(at: datetime | None) -> float | None:
        return None if at is None else (at - BEGAN).total_seconds()

    return [(span.kind, second(span.started_at) or 0, second(span.ended_at)) for span in spans(*args)]


def test_a_node_is_queued_runs_and_waits_to_try_again() -> None:
    tries = [tried(1, 1, 3), tried(2, 8, 9, "succeeded")]
    assert told(at(0), at(9), [], tries) == [
        ("queued", 0, 1),
        ("running", 1, 3),
        ("retry", 3, 8),
        ("running", 8, 9),
    ]


def test_a_node_that_waits_goes_on_waiting_until_it_ends() -> None:
    assert told(at(0), at(5), [at(2)], []) == [("running", 0, 2), ("waiting", 2, 5)]
    assert told(at(0), None, [at(2)], []) == [("running", 0, 2), ("waiting", 2, None)]
    assert told(None, at(1), [], []) == []


seconds = st.integers(0, 50)


@given(seconds, seconds, st.lists(seconds, max_size=3), st.lists(st.tuples(seconds, seconds), max_size=4))
def test_spans_follow_one_another_without_gaps(
    began: int, lasted: int, waits: list[int], tries: list[tuple[int, int]]
) -> None:
    times = sorted(began + min(each, lasted) for pair in tries for each in pair)
    ordered = [tried(n, *pair) for n, pair in enumerate(zip(times[::2], times[1::2], strict=True), start=1)]
    found = spans(at(began), at(began + lasted), [at(began + min(each, lasted)) for each in waits], ordered)
    for one, other in pairwise(found):
        assert one.ended_at == other.started_at
    assert sum((span.ended_at - span.started_at for span in found if span.ended_at), timedelta()) == timedelta(
        seconds=lasted
    )
