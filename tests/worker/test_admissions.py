"""What a gate decides, over any coming and going."""

from hypothesis import given
from hypothesis import strategies as st

from dag.concurrency import Arrival, OnLimit
from worker.admissions import Act, Admissions, Admit, Reject, Replace

LIMITS: list[OnLimit] = ["queue", "reject", "replace"]


def names(acts: list[Act], kind: type[Act]) -> list[str]:
    return [act.execution for act in acts if isinstance(act, kind)]


def test_those_who_wait_run_in_the_order_in_which_they_came() -> None:
    gate = Admissions()
    acts = [act for name in "abcd" for act in gate.arrive(Arrival(name, 2, "queue"))]
    assert acts == [Admit("a"), Admit("b")]
    assert [*gate.leave(["b"])] == [Admit("c")]
    assert [*gate.leave(["a", "c"])] == [Admit("d")]
    assert [*gate.leave(["d"])] == []
    assert gate.is_idle


def test_one_who_waits_may_go_and_who_comes_twice_counts_once() -> None:
    gate = Admissions()
    for _ in range(2):
        for name in "abc":
            for _ in gate.arrive(Arrival(name, 1, "queue")):
                pass
    assert (gate.inside, gate.queue) == (["a"], ["b", "c"])
    assert [*gate.leave(["b"])] == []
    assert [*gate.arrive(Arrival("a", 1, "reject"))] == [Admit("a")], "it is told again"
    assert [*gate.leave(["a"])] == [Admit("c")]


def test_the_newest_stay() -> None:
    gate = Admissions()
    acts = [act for name in "abcd" for act in gate.arrive(Arrival(name, 2, "replace"))]
    assert acts == [Admit("a"), Admit("b"), Replace("a"), Replace("b")]
    assert [*gate.arrive(Arrival("e", 2, "replace"))] == [Replace("c")], "it has not even begun"
    assert [*gate.leave(["c"])] == []
    assert [*gate.leave(["a"])] == [Admit("d")]
    assert [*gate.leave(["b"])] == [Admit("e")]


def test_a_higher_limit_lets_in_those_who_wait() -> None:
    gate = Admissions()
    for name in "abc":
        for _ in gate.arrive(Arrival(name, 1, "queue")):
            pass
    assert [*gate.arrive(Arrival("d", 3, "queue"))] == [Admit("b"), Admit("c")]
    assert gate.queue == ["d"]


arrivals = st.builds(Arrival, st.sampled_from("abcdefgh"), st.integers(1, 3), st.sampled_from(LIMITS))


@given(st.lists(st.one_of(arrivals, st.sampled_from("abcdefgh")), max_size=60))
def test_no_more_are_let_in_than_may_and_nobody_is_forgotten(happenings: list[Arrival | str]) -> None:
    gate = Admissions()
    running: list[str] = []
    for happening in happenings:
        before = len(running)
        if isinstance(happening, Arrival):
            came, acts = happening.execution, [*gate.arrive(happening)]
        else:
            came, acts = None, [*gate.leave([happening])]
            running = [name for name in running if name != happening]
        for name in names(acts, Admit):
            if name not in running:
                running.append(name)
        assert running == gate.inside
        assert len(running) <= max(gate.limit, before)
        assert len({*gate.inside, *gate.queue}) == len(gate.inside) + len(gate.queue)
        assert len(gate.inside) >= gate.limit or not gate.queue, "somebody waits though there is room"
        assert {*gate.replaced} <= {*gate.inside, *gate.queue}
        if came is not None:
            assert came in gate.inside or came in gate.queue or came in names(acts, Reject)
        assert not {*names(acts, Replace)} & {came}, "who comes does not replace itself"
