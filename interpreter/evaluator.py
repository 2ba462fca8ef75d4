"""Evaluates the expressions of one job, all within one budget."""

import time
from collections.abc import Mapping
from dataclasses import replace

import orjson
from pydantic import JsonValue

from dag import expressions
from dag.expressions import MISSING, Budget, ExpressionBudget, Missing, Moment, as_items
from dag.invocation import SecretText
from dag.plan import Template
from dag.templates import render

Scope = Mapping[str, JsonValue]

INLINE_ITEMS = 1_000
"""A data node over more items than this is computed outside the workflow task."""
FEWEST_STEPS = 1_000
"""What an expression over one item may always take."""


class Evaluator:
    """Evaluates a node's expressions within one budget for all of them."""

    def __init__(self, scope: Scope, moment: Moment, budget: Budget):
        self._scope = scope
        self._moment = moment
        self._budget = budget
        self._began = time.perf_counter()
        self._kept = 0

    @property
    def now(self) -> float:
        """The moment of the evaluation, in seconds since the epoch."""
        return self._moment.now_ms / 1000

    def value(self, source: str) -> JsonValue | Missing:
        """The value of an expression."""
        self.check_clock()
        return expressions.evaluate(source, self._scope, self._moment, self._budget)

    def true(self, source: str) -> bool:
        """Whether a condition holds."""
        self.check_clock()
        return expressions.condition(source, self._scope, self._moment, self._budget)

    def render(self, template: Template) -> tuple[JsonValue, tuple[SecretText, ...]]:
        """A template with its markers replaced by what they yield."""
        rendered = render(template, self._marker)
        return rendered.value, rendered.secrets

    def _marker(self, source: str) -> JsonValue | Missing:
        value = self.value(source)
        return value if value is MISSING else self.keep(value)

    def items(self, source: str) -> list[JsonValue]:
        """The items that a data node goes over."""
        return as_items(self.value(source))

    def each(self, items: list[JsonValue]) -> "ItemEvaluator":
        """An evaluator that sees one item at a time, the budget shared out among them."""
        if self._budget.steps <= expressions.INLINE.steps and len(items) > INLINE_ITEMS:
            raise ExpressionBudget(f"More than {INLINE_ITEMS} items.")
        steps = max(FEWEST_STEPS, self._budget.steps // max(1, len(items)))
        return ItemEvaluator(self, self._scope, self._moment, replace(self._budget, steps=steps))

    def keep(self, value: JsonValue | Missing) -> JsonValue:
        """The value, null if it is missing, as part of what the node yields. All of them together have a bound."""
        if value is MISSING:
            return None
        self._kept += len(value) if isinstance(value, str) else len(orjson.dumps(value))
        if self._kept > self._budget.result:
            raise ExpressionBudget(f"What the node yields grows beyond {self._budget.result} bytes.")
        return value

    def check_clock(self) -> None:
        """Break off when all expressions together took too long."""
        if self._budget.seconds is not None and time.perf_counter() - self._began > self._budget.seconds:
            raise ExpressionBudget("The node's expressions took too long.", by_clock=True)


class ItemEvaluator:
    """Evaluates an expression for each of a list of items."""

    def __init__(self, whole: Evaluator, scope: Scope, moment: Moment, budget: Budget):
        self._whole = whole
        self._scope = dict(scope)
        self._moment = moment
        self._budget = budget

    def value(self, source: str, **names: JsonValue) -> JsonValue | Missing:
        """The value of an expression that sees `names` too."""
        self._whole.check_clock()
        self._scope.update(names)
        return expressions.evaluate(source, self._scope, self._moment, self._budget)

    def true(self, source: str, **names: JsonValue) -> bool:
        """Whether a condition holds that sees `names` too."""
        self._whole.check_clock()
        self._scope.update(names)
        return expressions.condition(source, self._scope, self._moment, self._budget)
