"""JSONata: parsing it, what it reads, and what it yields within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Final

import orjson
from pydantic import JsonValue

from dag import engine
from dag.apart import run_apart
from dag.engine import Budget, Fault, Moment
from dag.faults import (
    ExpressionBudget,
    ExpressionDynamic,
    ExpressionFailed,
    ExpressionSyntax,
    ExpressionType,
    about,
    error_of,
    is_budget,
    syntax_error,
)
from dag.growth import is_plain, may_grow
from dag.limits import DEFAULTS, LARGEST_INTEGER
from dag.paths import Path, path_of, seen
from dag.references import LONGEST_RANGE, References, references
from dag.tokens import tokens

__all__ = [
    "INLINE",
    "MISSING",
    "WIDE",
    "Budget",
    "Expression",
    "ExpressionBudget",
    "ExpressionDynamic",
    "ExpressionFailed",
    "ExpressionSyntax",
    "ExpressionType",
    "Missing",
    "Moment",
    "References",
    "as_items",
    "as_text",
    "condition",
    "evaluate",
    "parse",
]

INLINE = Budget(steps=20_000, depth=500, string=8 * 1024, array=10_000, result=256 * 1024, seconds=0.2)
"""Within a workflow task."""
WIDE = Budget(
    steps=5_000_000, depth=1_000, string=1024**2, array=LONGEST_RANGE, result=20 * 1024**2, seconds=10, apart=True
)
"""Where an expression may take its time."""
DEEPEST = 240
"""Objects and lists within each other in a result; what writes JSON gives up at 254."""
LONGEST_SHORT = 300
"""Characters of an expression of which many are kept parsed. (A parsed one takes a few hundred bytes for each.)"""


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""What an expression yields that finds nothing; null is something else."""


@dataclass(frozen=True)
class Expression:
    """An expression that parses and reads only what is known beforehand."""

    source: str
    references: References
    itself: "Form"

    @cached_property
    def path(self) -> Path:
        """The names that lead to the value, of an expression that is nothing else; most are."""
        return path_of(self.source)

    @cached_property
    def truth(self) -> "Form":
        """Asks whether it holds."""
        return _form(self.source, "$boolean")

    @cached_property
    def type(self) -> "Form":
        """Asks for the type of what it yields."""
        return _form(self.source, "$type")


@dataclass(frozen=True)
class Form:
    """An expression as it is run, perhaps as the argument of a function."""

    source: str
    text: str
    compiled: Any
    before: int = 0

    @cached_property
    def grows(self) -> bool:
        """Whether it could make values far larger than what it reads."""
        return not is_plain(self.source) and may_grow(tokens(self.text))


def parse(source: str) -> Expression:
    """Read an expression, or say what is wrong with it."""
    return _short(source) if len(source) <= LONGEST_SHORT else _long(source)


def evaluate(source: str, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> JsonValue | Missing:
    """What an expression yields. Raises ExpressionBudget and the other errors of expressions."""
    expression = parse(source)
    value = seen(expression.path, scope)
    if value is not None:
        return value
    value = _run(expression, expression.itself, scope, moment, budget)
    match value:
        case str() | bool() | float():
            return value
        case None:
            return _null_or_missing(expression, scope, moment, budget)
        case int():
            return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else float(value)
        case _:
            return _checked(value, source)


def condition(source: str, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> bool:
    """Whether an expression holds; one that finds nothing does not."""
    expression = parse(source)
    return _run(expression, expression.truth, scope, moment, budget) is True


def as_items(value: JsonValue | Missing) -> list[JsonValue]:
    """The items to go over. Missing or null: none; a single value: one."""
    if value is MISSING or value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_text(value: JsonValue | Missing) -> str:
    """A value as it stands within text: missing and null as nothing, all else as `$string` writes it."""
    match value:
        case Missing() | None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            return str(value)
        case _:
            return engine.run(_TEXT, {"value": value}, _NO_MOMENT, _TEXT_BUDGET)


_TEXT = engine.compiled("$string(value)")
_TEXT_BUDGET = Budget(steps=100, depth=10, string=2**30, array=2**30, result=2**30, seconds=None)
_NO_MOMENT = Moment(0, 0)


def _parsed(source: str) -> Expression:
    if (
        len(source) > DEFAULTS.expression_bytes // 4
        and len(source.encode(errors="replace")) > DEFAULTS.expression_bytes
    ):
        message = f"The expression is longer than {DEFAULTS.expression_bytes} bytes."
        raise ExpressionSyntax(message, details=about(source, None))
    try:
        compiled = engine.compiled(source)
    except Fault as fault:
        raise syntax_error(fault, source) from None
    return Expression(source, references(source, compiled.reads()), Form(source, source, compiled))


_short = lru_cache(maxsize=4096)(_parsed)
_long = lru_cache(maxsize=16)(_parsed)


def _form(source: str, function: str) -> Form:
    # A block: what the expression binds stays within it. It begins with a number since it cannot begin with a regex.
    opening = f"{function}((0;"
    text = f"{opening}{source}))"
    try:
        return Form(source, text, engine.compiled(text), len(opening))
    except Fault as fault:
        raise error_of(fault, source, before=len(opening)) from None


def _run(expression: Expression, form: Form, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> Any:
    """None for null, for nothing, and for what is not JSON."""
    try:
        if not form.grows:
            try:
                whole = scope if isinstance(scope, dict) else dict(scope)
                return engine.run(form.compiled, whole, moment, _near(budget) if budget.apart else budget)
            except Fault as fault:
                if not (budget.apart and is_budget(fault)):
                    raise
        elif not budget.apart:
            message = "The expression could make values far larger than what it reads."
            raise ExpressionBudget(message, details=about(form.source, None))
        roots = ["nodes", *expression.references.roots]
        return run_apart(form.text, {name: scope[name] for name in roots if name in scope}, moment, budget)
    except Fault as fault:
        raise error_of(fault, form.source, before=form.before) from None


@lru_cache(maxsize=64)
def _near(budget: Budget) -> Budget:
    """What an expression may use before it is given a process of its own."""
    return replace(INLINE, steps=min(INLINE.steps, budget.steps))


def _null_or_missing(
    expression: Expression, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget
) -> JsonValue | Missing:
    match _run(expression, expression.type, scope, moment, budget):
        case None:
            return MISSING
        case "null":
            return None
        case "function":
            raise ExpressionType("The expression yields a function.", details=about(expression.source, None))
        case _:
            message = "The expression yields a number that JSON cannot hold."
            raise ExpressionFailed(message, details=about(expression.source, None))


def _checked(value: JsonValue, source: str) -> JsonValue:
    """Results are JSON that can be written: not too deep, and no integers that a reader would take for others."""
    try:
        # Within more lists, so that what is put around a result later does not make it too deep.
        orjson.dumps([[[[[[[[[[[[[[value]]]]]]]]]]]]]], option=orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        return _rounded(value, source, 0)
    return value


def _rounded(value: JsonValue, source: str, depth: int) -> JsonValue:
    if depth > DEEPEST:
        message = f"The expression yields more than {DEEPEST} lists and objects within each other."
        raise ExpressionBudget(message, details=about(source, None))
    match value:
        case dict():
            return {key: _rounded(child, source, depth + 1) for key, child in value.items()}
        case list():
            return [_rounded(child, source, depth + 1) for child in value]
        case int() if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            return float(value)
        case _:
            return value
