"""What comes together is told in an order that a replay has too."""

from hypothesis import given
from hypothesis import strategies as st

from interpreter.ended import Ended


def test_what_was_not_asked_to_stop_is_told_as_it_ended() -> None:
    ended = Ended()
    for number in (3, 1, 2):
        ended.add(number)
    assert ended
    assert ended.take() == [3, 1, 2]
    assert not ended
    assert ended.take() == []


@given(st.permutations(range(6)), st.permutations(range(6)), st.integers(0, 6))
def test_what_was_asked_to_stop_comes_first_in_the_order_of_asking(
    numbers: list[int], asked: list[int], stopped: int
) -> None:
    ended, asked = Ended(), asked[:stopped]
    for number in asked:
        ended.stop(number)
    for number in numbers:
        ended.add(number)
    assert ended.take() == [*asked, *(number for number in numbers if number not in asked)]


def test_it_was_asked_to_stop_until_it_has_ended() -> None:
    ended = Ended()
    ended.stop(2)
    ended.add(1)
    assert ended.take() == [1]
    ended.add(3)
    ended.add(2)
    assert ended.take() == [2, 3]
    ended.add(3)
    ended.add(2)
    assert ended.take() == [3, 2], "it runs again"
