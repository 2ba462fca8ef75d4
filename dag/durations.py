"""Lengths of time as people write them: `250ms`, `30s`, `5m`, `2h`, `1d`, or ISO 8601."""

import re
from datetime import timedelta
from decimal import Decimal

from dag.errors import PerdureError

LONGEST = timedelta(days=36_500)
FORM = r"^(\d{1,15}(ms|s|m|h|d)|P(?=.)(\d.*W|(\d.*D)?(T\d.*[HMS])?))$"
"""What a duration looks like, loosely: for editors."""

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_SHORT = re.compile(r"([0-9]{1,15})(ms|s|m|h|d)", re.ASCII)
_NUMBER = r"[0-9]{1,15}(?:[.,][0-9]{1,9})?"
_ISO = re.compile(
    rf"P(?=.)(?:(?P<w>{_NUMBER})W)?(?:(?P<d>{_NUMBER})D)?"
    rf"(?:T(?=.)(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?",
    re.ASCII,
)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


class DurationInvalid(PerdureError):
    """A duration is `250ms`, `30s`, `5m`, `2h`, `1d`, or ISO 8601 up from seconds to weeks (`PT1H30M`)."""

    code = "config.invalid"


def parse(text: str) -> timedelta:
    """Read a duration. Years and months of ISO 8601 are refused: they have no fixed length."""
    if short := _SHORT.fullmatch(text):
        return _bounded(int(short[1]) * Decimal(_UNITS[short[2]] // timedelta(milliseconds=1)) / 1000)
    iso = _ISO.fullmatch(text)
    if iso is None:
        raise DurationInvalid
    parts = [(unit, number.replace(",", ".")) for unit, number in iso.groupdict().items() if number]
    if any("." in number for _, number in parts[:-1]):
        raise DurationInvalid("In an ISO 8601 duration only the last number may have a fraction.")
    return _bounded(sum((Decimal(number) * _SECONDS[unit] for unit, number in parts), Decimal()))


def text(duration: timedelta) -> str:
    """Write a duration in the largest unit that holds it exactly."""
    for unit, length in _UNITS.items():
        if duration % length == timedelta() and (duration or unit == "s"):
            return f"{duration // length}{unit}"
    seconds, rest = divmod(duration, timedelta(seconds=1))
    return f"PT{seconds}.{rest.microseconds:06d}S"


def _bounded(seconds: Decimal) -> timedelta:
    if seconds > LONGEST.days * 86_400:
        raise DurationInvalid(f"A duration is at most {LONGEST.days} days.")
    return timedelta(microseconds=int(seconds * 1_000_000))
