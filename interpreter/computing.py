"""Computes what nodes and graphs ask for: at once, or outside the workflow task when it takes more than that has."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from pydantic import JsonValue

from dag import expressions
from dag.expressions import ExpressionBudget, Moment
from interpreter.compute import compute
from interpreter.job import Computed, Job
from interpreter.journal import Now
from interpreter.orders import Cancel, Evaluate, Order

INLINE_UNTIMED = replace(expressions.INLINE, seconds=None)


class Pace(Protocol):
    """Keeps in history which computations this machine's clock cut short: a replay may be faster or slower."""

    def recall(self) -> bool | None:
        """In a replay, whether the computation about to start was cut short; None when nothing is to be recalled."""
        ...

    def record(self) -> None:
        """The computation recalled last is cut short."""
        ...


class Computing:
    """Knows what is being computed outside, by the number that waits for it."""

    def __init__(self, pace: Pace, now: Now, seed: int, orders: list[Order]):
        self._pace = pace
        self._now = now
        self._seed = seed
        self._orders = orders
        self._outside: dict[int, Evaluate] = {}

    def compute(self, job: Job, scope: Mapping[str, JsonValue], *, salt: bytes) -> Computed | Moment:
        """What comes of a job; or, when that takes too long, the moment that it is to be computed for outside. `salt`
        makes its chance its own."""
        moment = self.moment(salt)
        was_slow = self._pace.recall()
        try:
            if was_slow:
                raise ExpressionBudget
            return compute(job, scope, moment, expressions.INLINE if was_slow is None else INLINE_UNTIMED)
        except ExpressionBudget as error:
            if error.by_clock:
                self._pace.record()
            return moment

    def moment(self, salt: bytes) -> Moment:
        """What a computation goes by that begins now."""
        return Moment(int(self._now.time * 1000), zlib.crc32(salt, self._seed))

    def send(self, order: Evaluate) -> None:
        """Have something computed outside."""
        self._outside[order.number] = order
        self._orders.append(order)

    def take(self, number: int) -> bool:
        """What was computed outside has come, or is not to come any more; whether it was waited for."""
        return self._outside.pop(number, None) is not None

    def call_off(self, number: int) -> bool:
        """Nobody waits for it any more; whether somebody did."""
        if not self.take(number):
            return False
        self._orders.append(Cancel(number))
        return True

    def again(self, number: int) -> bool:
        """It was given up before it had its turn; whether it is asked for once more."""
        if (order := self._outside.get(number)) is None:
            return False
        self._orders.append(order)
        return True
