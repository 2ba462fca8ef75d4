"""Asks the assertions of a test of an execution that has ended, and shows how what is differs from what should be."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from dag import expressions
from dag.errors import ErrorValue, PerdureError
from dag.expressions import MISSING, Budget, ExpressionBudget, Moment
from dag.testing.case import AssertionIn, EqualsIn
from dag.testing.differences import Difference, differences
from dag.tokens import tokens

BUDGET = Budget(steps=1_000_000, depth=500, string=1024**2, array=100_000, result=1024**2, seconds=2, apart=True)
TOGETHER = 10.0
"""Seconds that all assertions of a test may take."""
_WEAKER = frozenset({"and", "or", "?", ":", ":=", ";", "?:", "??", "~>", "in", "!=", "<", ">", "<=", ">=", ",", "^"})
"""Operators that bind no stronger than `=`: beside one of them the sides of an `=` are not all of the expression."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True)
class Asserted:
    """What came of one assertion."""

    expression: str
    passed: bool
    actual: JsonValue = None
    """What the expression yields; of an equation, its left side."""
    expected: JsonValue = None
    """Its right side."""
    diff: list[Difference] = field(default_factory=list[Difference])
    error: ErrorValue | None = None
    """Why it could not be asked."""


def asked(assertions: Sequence[AssertionIn], scope: Mapping[str, JsonValue]) -> list[Asserted]:
    """Ask all of them, within a bounded time. Runs for long: not in an event loop."""
    until = time.monotonic() + TOGETHER
    return [_asked(assertion, scope, until) for assertion in assertions]


def _asked(assertion: AssertionIn, scope: Mapping[str, JsonValue], until: float) -> Asserted:
    source = assertion.equals.path if isinstance(assertion, EqualsIn) else assertion
    try:
        if time.monotonic() > until:
            raise ExpressionBudget("The assertions of the test take too long together.")
        if isinstance(assertion, EqualsIn):
            return _equal(source, _value(source, scope), assertion.equals.value)
        if (sides := equation(assertion)) is not None:
            return _equal(source, _value(sides[0], scope), _value(sides[1], scope))
        held = expressions.condition(source, scope, _moment(), BUDGET)
        return Asserted(source, held, actual=_value(source, scope))
    except PerdureError as wrong:
        return Asserted(source, passed=False, error=wrong.value())


def equation(source: str) -> tuple[str, str] | None:
    """The two sides of an expression that is an equation and nothing else."""
    depth, at = 0, None
    for token in tokens(source):
        if token.kind == "operator":
            if token.text in _OPENING:
                depth += 1
            elif token.text in _CLOSING:
                depth -= 1
            elif depth == 0 and token.text in _WEAKER:
                return None
            elif depth == 0 and token.text == "=":
                if at is not None:
                    return None
                at = token.end
    if at is None:
        return None
    left, right = source[: at - 1].strip(), source[at:].strip()
    return (left, right) if left and right else None


def _equal(source: str, actual: JsonValue, expected: JsonValue) -> Asserted:
    found = differences(actual, expected)
    return Asserted(source, not found, actual, expected, found)


def _value(source: str, scope: Mapping[str, JsonValue]) -> JsonValue:
    value = expressions.evaluate(source, scope, _moment(), BUDGET)
    return None if value is MISSING else value


def _moment() -> Moment:
    return Moment(int(time.time() * 1000), 0)
