"""The handful of JSONata that generated graphs use, read and worked out in the plainest way."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

Scope = Mapping[str, Any]
"""What the roots of an expression name."""


class _Missing(Enum):
    MISSING = "missing"


MISSING: Final = _Missing.MISSING
"""The value of what is not there; unlike null."""


@dataclass(frozen=True)
class ExpressionFails(Exception):
    """An expression came to an error."""

    code: str


def value(written: str, scope: Scope) -> Any:
    """What an expression yields."""
    tokens = _TOKEN.findall(written)
    found, rest = _either(tokens, scope)
    assert not rest, f"this evaluator does not know {written!r}"
    return found


def holds(written: str, scope: Scope) -> bool:
    """What a condition comes to."""
    return _boolean(value(written, scope))


def rendered(template: Any, scope: Scope) -> Any:
    """A JSON value with every `${{ … }}` in it worked out."""
    found = _rendered(template, scope)
    return None if found is MISSING else found


def text(found: Any) -> str:
    """A value among text, or as a key."""
    if found is MISSING or found is None:
        return ""
    if isinstance(found, bool):
        return "true" if found else "false"
    assert isinstance(found, str | int), f"this evaluator does not write {found!r} as text"
    return str(found)


def _rendered(template: Any, scope: Scope) -> Any:
    match template:
        case str():
            if whole := re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", template):
                return value(whole[1], scope)
            return re.sub(r"\$\{\{((?:(?!\}\}).)*)\}\}", lambda marker: text(value(marker[1], scope)), template)
        case dict():
            entries = {key: _rendered(entry, scope) for key, entry in template.items()}
            return {key: entry for key, entry in entries.items() if entry is not MISSING}
        case list():
            return [rendered(entry, scope) for entry in template]
        case _:
            return template


_TOKEN = re.compile(r"'[^']*'|\d+|\$?[a-z_]\w*(?:\.[a-z_]\w*)*|[<>!]=|[=<>+(){}:,]|\S")


def _either(tokens: list[str], scope: Scope) -> tuple[Any, list[str]]:
    left, tokens = _both(tokens, scope)
    while tokens[:1] == ["or"]:
        right, tokens = _both(tokens[1:], scope if not _boolean(left) else _UNREAD)
        left = _boolean(left) or _boolean(right)
    return left, tokens


def _both(tokens: list[str], scope: Scope) -> tuple[Any, list[str]]:
    left, tokens = _compared(tokens, scope)
    while tokens[:1] == ["and"]:
        right, tokens = _compared(tokens[1:], scope if _boolean(left) else _UNREAD)
        left = _boolean(left) and _boolean(right)
    return left, tokens


def _compared(tokens: list[str], scope: Scope) -> tuple[Any, list[str]]:
    left, tokens = _sum(tokens, scope)
    if tokens[:1] and tokens[0] in _COMPARISONS:
        right, rest = _sum(tokens[1:], scope)
        if scope is _UNREAD:
            return MISSING, rest
        return _COMPARISONS[tokens[0]](left, right), rest
    return left, tokens


def _sum(tokens: list[str], scope: Scope) -> tuple[Any, list[str]]:
    left, tokens = _term(tokens, scope)
    while tokens[:1] == ["+"]:
        right, tokens = _term(tokens[1:], scope)
        if not all(each is MISSING or _is_number(each) for each in (left, right)):
            _fails("expression.type")
        left = MISSING if left is MISSING or right is MISSING else left + right
    return left, tokens


def _term(tokens: list[str], scope: Scope) -> tuple[Any, list[str]]:
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        inside, rest = _either(rest, scope)
        assert rest[0] == ")"
        return inside, rest[1:]
    if first == "$not":
        inside, rest = _term(rest, scope)
        return (MISSING if inside is MISSING else not _boolean(inside)), rest
    if first == "$error":
        _, rest = _term(rest, scope)
        return (MISSING if scope is _UNREAD else _fails("expression.failed")), rest
    if first.startswith("'"):
        return first[1:-1], rest
    if first.isdigit():
        return int(first), rest
    if first in _WORDS:
        return _WORDS[first], rest
    found: Any = scope
    for name in first.split("."):
        found = _field(found, name)
    return found, rest


def _field(found: Any, name: str) -> Any:
    """Of a list, what its items have; one thing stands for itself."""
    if isinstance(found, list):
        fields = [field for item in found if (field := _field(item, name)) is not MISSING]
        if len(fields) == 1:
            return fields[0]
        several = [each for field in fields for each in _as_list(field)]
        return several if len(several) > 1 else several[0] if several else MISSING
    return found.get(name, MISSING) if isinstance(found, Mapping) else MISSING


def _as_list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def answer(left: Any, right: Any) -> Any:
        if not all(each is MISSING or _is_number(each) or isinstance(each, str) for each in (left, right)):
            return _fails("expression.type")
        if left is MISSING or right is MISSING:
            return MISSING
        if isinstance(left, str) != isinstance(right, str):
            return _fails("expression.type")
        return compare(left, right)

    return answer


def _equal(left: Any, right: Any) -> bool:
    return left is not MISSING and right is not MISSING and type(left) is type(right) and left == right


def _fails(code: str) -> Any:
    raise ExpressionFails(code)


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _boolean(found: Any) -> bool:
    return any(map(_boolean, found)) if isinstance(found, list) else found is not MISSING and bool(found)


_UNREAD: Scope = {}
"""Stands for the scope of what `and` and `or` leave out."""
_WORDS = {"true": True, "false": False, "null": None}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": _equal,
    "!=": lambda left, right: left is not MISSING and right is not MISSING and not _equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
}
