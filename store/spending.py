"""What the record of an attempt counts for in analytics: whole numbers, kept in the clear beside it."""

import math
from collections.abc import Iterator, Mapping
from typing import cast

import orjson
from pydantic import JsonValue

MILLIONTHS = 1_000_000
"""Seconds and units of cost are counted in millionths, so that sums are exact in every order."""
MOST_UNITS = 20
LONGEST_UNIT = 60
MOST = 1e9
"""Of one unit, or seconds, in one attempt; what is more is no number to believe."""


def spent(type: str, data: JsonValue) -> str | None:
    """What an entry of the journal says was used, if it is the record of an attempt."""
    if not type.startswith("attempt.") or not isinstance(data, dict):
        return None
    if data.get("cached"):
        return '{"hits":1}'
    counts = {"attempts": 1}
    if data.get("cached") is False:  # it was looked for a stored output
        counts["misses"] = 1
    if data.get("attempt") not in (None, 1):
        counts["retries"] = 1
    for key, name in (("busy", "seconds"), ("cpu", "cpu_seconds")):
        if (amount := _millionths(data.get(name))) is not None:
            counts[key] = amount
    cost = data.get("cost")
    counts |= dict(_costs(cast(Mapping[str, JsonValue], cost)) if isinstance(cost, dict) else ())
    return orjson.dumps(counts).decode()


def _costs(cost: Mapping[str, JsonValue]) -> Iterator[tuple[str, int]]:
    for unit in sorted(cost)[:MOST_UNITS]:
        amount = _millionths(cost[unit])
        if amount is not None and 0 < len(unit) <= LONGEST_UNIT and unit.isprintable():
            yield f"c:{unit}", amount


def _millionths(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value * MILLIONTHS) if 0 <= value <= MOST else None
