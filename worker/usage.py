"""What one attempt used: CPU time, as far as it can be told, and cost in whatever units its activity type counts."""

import math
import re
import types
from collections.abc import Coroutine, Generator
from decimal import Decimal
from time import thread_time
from typing import Any, Protocol, TypeVar

UNITS = 16
"""Of one attempt."""
UNIT = re.compile(r"[a-z][a-z0-9_.]{0,62}")

Result = TypeVar("Result")


class Meter(Protocol):
    """Adds up."""

    cpu_seconds: float


class Usage:
    """What an activity type counts; grows while the attempt runs."""

    def __init__(self) -> None:
        self._amounts: dict[str, Decimal] = {}

    def cost(self, unit: str, amount: float) -> None:
        """So much of a unit was used up. Raises ValueError for what is no unit or no amount: that is a bug."""
        if UNIT.fullmatch(unit) is None or not math.isfinite(amount) or amount < 0:
            raise ValueError("a cost is a unit such as `tokens.input`, and a number that is not negative")
        if unit not in self._amounts and len(self._amounts) >= UNITS:
            raise ValueError(f"an attempt counts at most {UNITS} units")
        # By their decimal form, so that ten times 0.1 is 1.
        self._amounts[unit] = self._amounts.get(unit, Decimal(0)) + Decimal(str(amount))

    def costs(self) -> dict[str, float]:
        """What was used up, by unit."""
        return {unit: float(amount) for unit, amount in self._amounts.items()}


@types.coroutine
def metered(work: Coroutine[Any, Any, Result], meter: Meter) -> Generator[Any, Any, Result]:
    """Do it, and add the CPU time of its own steps on this thread: what others compute while it waits is theirs."""
    thrown: BaseException | None = None
    while True:
        began = thread_time()
        try:
            waits_for = work.send(None) if thrown is None else work.throw(thrown)
        except StopIteration as end:
            return end.value
        finally:
            meter.cpu_seconds += thread_time() - began
        thrown = None
        try:
            yield waits_for
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:  # noqa: BLE001 it is the work that must deal with it, a cancellation too
            thrown = error
