"""What an expression reads, and the refusal of what could read anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from dag.faults import ExpressionBudget, ExpressionDynamic, ExpressionSyntax, about
from dag.tokens import Token, tokens

LONGEST_RANGE = 100_000
"""Items in a list written as `[1..n]`."""

Fields = frozenset[str] | None
"""Names of fields. None: all of them, or the value as a whole."""

_FUNCTIONS = """abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl
decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger
formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger
power random reduce replace reverse round shuffle sift single sort split spread sqrt string substring substringAfter
substringBefore sum toMillis trim type uppercase zip"""
FUNCTIONS = tuple(_FUNCTIONS.split())
"""What may be called by name."""


@dataclass(frozen=True)
class References:
    """What an expression reads of what is laid before it."""

    roots: Mapping[str, Fields]
    """The names it begins from, `nodes` apart, each with the fields read of it."""
    nodes: Mapping[str, Fields]
    """The ids of nodes, each with the fields read of it."""


def references(source: str, reads: Any) -> References:
    """What the engine found that an expression reads."""
    _check_variables(source, reads)
    if ".." in source:
        _check_ranges(source)
    read: Mapping[str, Any] | bool = reads.get("input", {})
    if isinstance(read, bool):
        hint = "Name what it reads, such as `input.name`; inside `map` and the like, the item is `item`."
        raise _dynamic("everything", source, _place_of_everything(source), hint)
    nodes: Any = read.get("nodes", {})
    if nodes is True or ("nodes" in read and not nodes):  # nothing of it is read where it is only counted
        raise _dynamic("`nodes`", source, _place(source, "name", "nodes"), "Name the node: `nodes.<id>.output`.")
    if "secrets" in read and read["secrets"] in (True, {}):
        raise _dynamic("`secrets`", source, _place(source, "name", "secrets"), "Write `${{ secrets.<name> }}`.")
    return References({name: _fields(of) for name, of in read.items() if name != "nodes"}, _each(nodes))


def _each(read: Mapping[str, Any]) -> Mapping[str, Fields]:
    return {name: _fields(of) for name, of in read.items()}


def _fields(read: Any) -> Fields:
    return None if read is True or not read else frozenset(cast(Mapping[str, Any], read))


def _check_variables(source: str, reads: Any) -> None:
    if reads.get("everyBinding"):
        raise ExpressionDynamic(
            "`$eval` is refused: what it would read cannot be known before it runs.",
            details=about(source, _place(source, "variable", "eval")),
        )
    for name in cast(Mapping[str, Any], reads["bindings"]):
        # `f(1)` without a `$` is among them too.
        position = _place(source, "variable", name) or _place(source, "name", name)
        close = get_close_matches(str(name[:70]), FUNCTIONS, n=1, cutoff=0.7)
        hint = f"Did you mean `${close[0]}`?" if close else "Variables are bound by `($name := …; …)`."
        message = f"`${name[:70]}` is not known{_where(position)}. {hint}"
        raise ExpressionSyntax(message, details=about(source, position))


def _check_ranges(source: str) -> None:
    found = tokens(source)
    for left, dots, right in zip(found, found[1:], found[2:], strict=False):
        if dots.text == ".." and left.kind == right.kind == "number":
            length = float(right.text) - float(left.text) + 1
            if length > LONGEST_RANGE:
                message = f"The list is longer than {LONGEST_RANGE:,} items{_where(dots.end)}."
                raise ExpressionBudget(message, details=about(source, dots.end))


def _dynamic(what: str, source: str, position: int | None, hint: str) -> ExpressionDynamic:
    message = f"The expression reads {what} as a whole{_where(position)}. {hint}"
    return ExpressionDynamic(message, details=about(source, position))


def _where(position: int | None) -> str:
    return "" if position is None else f" (character {position} of it)"


def _place(source: str, kind: str, text: str) -> int | None:
    return next((token.end for token in tokens(source) if token.kind == kind and token.text == text), None)


def _place_of_everything(source: str) -> int | None:
    found = tokens(source)
    after = [*(token.text for token in found[1:]), ""]
    for token, then in zip(found, after, strict=True):
        if then != "." and _is_whole(token):
            return token.end
    return next((token.end for token in found if _is_whole(token)), None)


def _is_whole(token: Token) -> bool:
    if token.kind == "variable":
        return token.text in ("", "$")
    return token.kind == "operator" and token.ends_operand and re.fullmatch(r"\*\*?|%", token.text) is not None
