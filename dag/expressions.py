"""JSONata: parsing, what an expression reads, and evaluating within bounds. The only module that knows the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Final, cast

import jlens
from pydantic import JsonValue

from dag.errors import PerdureError


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""What an expression yields that finds nothing; null is something else."""


@dataclass(frozen=True)
class Budget:
    """What one evaluation may use: steps, levels of calls, bytes of a string, items of a list, bytes of the result."""

    steps: int
    depth: int
    string: int
    array: int
    result: int
    seconds: float | None


INLINE = Budget(steps=20_000, depth=64, string=8 * 1024, array=10_000, result=256 * 1024, seconds=0.2)
WIDE = Budget(steps=5_000_000, depth=200, string=1024**2, array=100_000, result=20 * 1024**2, seconds=10)


@dataclass(frozen=True)
class Moment:
    """What `$now()`, `$millis()` and `$random()` go by."""

    now_ms: int
    seed: int


class ExpressionFailed(PerdureError):
    """The expression fails."""

    code = "expression.failed"


class ExpressionSyntax(ExpressionFailed):
    """The expression is not valid JSONata."""


class ExpressionType(PerdureError):
    """A value in the expression is not of the type that is needed there."""

    code = "expression.type"


class ExpressionDynamic(PerdureError):
    """The expression reads what cannot be known before it runs."""

    code = "expression.dynamic"


class ExpressionBudget(PerdureError):
    """The expression needs more than it may use."""

    code = "expression.budget"

    def __init__(self, message: str | None = None, /, *, details: JsonValue = None, by_clock: bool = False):
        super().__init__(message, details=details)
        self.by_clock = by_clock
        """Whether it was the time that ran out, which another run might not see."""


@dataclass(frozen=True)
class References:
    """What an expression reads."""

    roots: Mapping[str, frozenset[str] | None]
    """Names at the start of paths, each with the fields read of it; None: it is read as a whole."""
    nodes: Mapping[str, frozenset[str] | None]
    """Ids of nodes with the fields read of each (`output`, …); None: it is read as a whole."""


@dataclass(frozen=True)
class Expression:
    """An expression that parses."""

    source: str
    compiled: jlens.Expression

    @cached_property
    def references(self) -> References:
        """What it reads."""
        read: Any = self.compiled.reads().get("input", {})
        if read is True:
            return References({}, {})
        nodes = read.pop("nodes", {})
        return References(_fields(read), {} if nodes is True else _fields(nodes))


@lru_cache(maxsize=10_000)
def parse(source: str) -> Expression:
    """Compile an expression, or say what is wrong with it."""
    try:
        return Expression(source, jlens.Expression(source))
    except jlens.JlensError as error:
        raise ExpressionSyntax(str(error), details={"expression": source, "position": error.position}) from None


def evaluate(source: str, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> JsonValue | Missing:
    """What an expression yields."""
    value = _run(parse(source).compiled, scope, moment, budget)
    if value is None and _run(_typed(source), scope, moment, budget) is None:
        return MISSING
    return value


def condition(source: str, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> bool:
    """Whether an expression holds; one that finds nothing does not."""
    parse(source)
    return bool(_run(_truth(source), scope, moment, budget))


def as_items(value: JsonValue | Missing) -> list[JsonValue]:
    """The items to go over. Missing or null: none; a single value: one."""
    if value is MISSING or value is None:
        return []
    return value if isinstance(value, list) else [value]


def _run(compiled: jlens.Expression, scope: Mapping[str, JsonValue], moment: Moment, budget: Budget) -> Any:
    try:
        return compiled.evaluate(
            scope,
            timeout=budget.seconds,
            max_depth=budget.depth,
            max_steps=budget.steps,
            max_string_length=budget.string,
            max_array_length=budget.array,
            max_result_size=budget.result,
            now=moment.now_ms,
            seed=moment.seed,
        )
    except jlens.JlensError as error:
        details: JsonValue = {"expression": compiled.source, "position": error.position}
        if error.code in ("U1001", "U1006", "D1011", "D1012"):
            raise ExpressionBudget(details=details, by_clock=error.code == "D1012") from None
        if error.code.startswith("T"):
            raise ExpressionType(details=details) from None
        raise ExpressionFailed(details=details) from None


@lru_cache(maxsize=1000)
def _typed(source: str) -> jlens.Expression:
    return jlens.Expression(f"$type(({source}\n))")


@lru_cache(maxsize=1000)
def _truth(source: str) -> jlens.Expression:
    return jlens.Expression(f"$boolean(({source}\n))")


def _fields(read: Mapping[str, Any]) -> dict[str, frozenset[str] | None]:
    return {name: None if fields is True else frozenset(cast(dict[str, Any], fields)) for name, fields in read.items()}
