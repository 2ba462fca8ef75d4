"""Which event wins, and which broken chains are seen."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dag.events import StepEvent, checksum
from dag.journal import Gap, gaps, replaces


def chain(length: int, *, strand: str = "main", word: str = "a") -> list[StepEvent]:
    events: list[StepEvent] = []
    previous = 0
    for n in range(1, length + 1):
        sum_ = checksum(previous, n, "node.started", f"{word}{n}", None)
        events.append(StepEvent("ex", 1, strand, n, "node.started", f"{word}{n}", 0.0, None, previous, sum_, task=n))
        previous = sum_
    return events


def test_a_live_event_replaces_only_one_of_an_earlier_task() -> None:
    [old] = chain(1)
    other = replace(old, checksum=old.checksum + 1)
    assert replaces(replace(other, task=old.task + 1), old, replayed=False)
    assert not replaces(other, old, replayed=False)
    assert not replaces(replace(other, task=old.task - 1), old, replayed=False)


def test_a_replayed_event_replaces_whatever_differs_from_it() -> None:
    [old] = chain(1)
    assert replaces(replace(old, checksum=old.checksum + 1, task=0), old, replayed=True)
    assert not replaces(replace(old, task=old.task + 1), old, replayed=True)


@given(st.integers(1, 30), st.data())
def test_every_missing_event_before_the_last_is_a_gap(length: int, data: st.DataObject) -> None:
    events = chain(length)
    lost = data.draw(st.sets(st.integers(1, length)))
    kept = data.draw(st.permutations([event for event in events if event.n not in lost]))
    last = max((event.n for event in kept), default=0)
    assert {gap.n for gap in gaps(kept)} == {n for n in lost if n < last}


def test_an_event_that_another_history_left_behind_is_a_gap() -> None:
    ours, other = chain(4), chain(4, word="b")
    assert gaps([ours[0], other[1], ours[2], ours[3]]) == [Gap(("ex", 1, "main"), 1), Gap(("ex", 1, "main"), 2)]


def test_strands_are_numbered_apart() -> None:
    assert gaps([*chain(3), *chain(2, strand="each/0")]) == []
    assert gaps([*chain(3), *chain(3, strand="each/0")[2:]]) == [Gap(("ex", 1, "each/0"), n) for n in (1, 2)]
