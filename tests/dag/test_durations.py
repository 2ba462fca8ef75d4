"""Durations as people write them, and back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dag.durations import LONGEST, DurationInvalid, parse, text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("0s", timedelta()),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("P2W", timedelta(weeks=2)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("PT1,5M", timedelta(seconds=90)),
    ],
)
def test_a_duration_means_what_it_says(written: str, meant: timedelta) -> None:
    assert parse(written) == meant


NONE = [
    "",
    "5",
    "s",
    "1.5h",
    "-5s",
    "1h30m",
    "5 m",
    "5M",
    "P",
    "PT",
    "P1Y",
    "P1M",
    "PT1.5H30M",
    "٣s",
    "1d\n",
    "1" * 99 + "d",
]


@pytest.mark.parametrize("written", NONE)
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(DurationInvalid):
        parse(written)


@pytest.mark.parametrize("written", ["36501d", "999999999999999d", "P999999999999999W"])
def test_a_duration_beyond_a_hundred_years_is_refused(written: str) -> None:
    with pytest.raises(DurationInvalid, match="at most"):
        parse(written)


@given(st.timedeltas(timedelta(), LONGEST))
def test_a_written_duration_reads_as_itself(duration: timedelta) -> None:
    assert parse(text(duration)) == duration


@pytest.mark.parametrize(("seconds", "written"), [(90, "90s"), (120, "2m"), (86_400, "1d"), (0, "0s"), (0.25, "250ms")])
def test_a_duration_is_written_in_the_largest_unit_that_holds_it(seconds: float, written: str) -> None:
    assert text(timedelta(seconds=seconds)) == written
