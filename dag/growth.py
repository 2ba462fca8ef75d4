"""Tells whether an expression could make values far larger than what it reads.

The engine counts steps and looks at the clock between them. But one step can take for ever, and any amount of memory,
on a value that holds the same part many times over: comparing it, testing it, naming it in an error. Most expressions
cannot make such a value, and only those run inside this process. What a part of an expression gives is

- *one*: a single text, number or boolean;
- *flat*: lists and objects of those, as many as are written down or as there are items;
- *read*: a part of what the expression reads, so no larger than that;
- *built*: anything. It may only go straight into the result, whose size the engine bounds.

An expression that is not understood here counts as one that grows.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TypeVar

from dag.tokens import Token

DEEPEST = 40
"""How many expressions may stand within each other."""
MOST_PARTS = 8
"""How often a list that is written down as the argument of a function may hold the same value."""


class Kind(IntEnum):
    """What a part of an expression gives."""

    ONE = 0
    FLAT = 1
    READ = 2
    BUILT = 3


def _each(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_CALLS: dict[str, Kind] = {
    **dict.fromkeys(
        _each(
            """string length substring substringBefore substringAfter uppercase lowercase trim pad contains join replace
            base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl number abs floor ceil
            round power sqrt random formatNumber formatBase formatInteger parseInteger sum max min average boolean not
            exists count type now millis fromMillis toMillis error assert"""
        ),
        Kind.ONE,
    ),
    **dict.fromkeys(_each("split match keys"), Kind.FLAT),
    **dict.fromkeys(_each("sort reverse shuffle lookup merge spread filter single sift reduce"), Kind.READ),
    **dict.fromkeys(_each("append zip map each"), Kind.BUILT),
}
"""What functions make of values that are read, at a cost that goes with the size of those. (The cost of `$distinct` is
the square of it.)"""
_FOR_EACH = frozenset(_each("map each"))
"""Functions whose result is as flat as that of the function they are given."""
_TAKES_FUNCTION = frozenset(_each("sort filter single sift reduce map each"))
ITEM = ""
"""The name of `$`, which is also what a path without a variable begins from."""
_INFIX = _each("+ - * / % & = != < > <= >= and or in")


def is_plain(source: str) -> bool:
    """Whether an expression is nothing but paths, literals and operators between them, which is seen at once."""
    return _PLAIN.fullmatch(source) is not None


_PLAIN = re.compile(r"(?:[^][(){}$%@#^~:?|.*]|\.(?!\.)|\*(?!\*))*")


def may_grow(tokens: Sequence[Token]) -> bool:
    """Whether an expression could make values far larger than what it reads."""
    reader = _Reader(tokens)
    try:
        reader.expression()
    except _Grows:
        return True
    return not reader.ended or reader.hides_function


Read = TypeVar("Read")
_Path = tuple[str, ...]


class _Grows(Exception):
    """Something is not understood, or a built value is used."""


class _Reader:
    """Reads the tokens once, from left to right. Every method begins at the next token and goes past what it reads."""

    def __init__(self, tokens: Sequence[Token]):
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._frames = [ITEM]
        """What steps and functions around bind to one item after another, the outer ones first."""
        self._outermost = 0
        """Of the frames that were referred to, the first; before all of them for what is the same everywhere."""
        self._bound: set[str] = set()
        self._called: set[str] = set()

    @property
    def hides_function(self) -> bool:
        """Whether a name is called that may be another function than the language's."""
        return not self._bound.isdisjoint(self._called)

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._tokens)

    def expression(self) -> Kind:
        """Operations, alternatives between them, or one bound to a variable."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise _Grows
        kind = self._operation()
        while True:
            if self._skips(":="):
                self._bound.add(self._tokens[self._at - 2].text)
                kind = _used(self.expression())
            if self._skips("?:") or self._skips("??"):
                kind = max(_used(kind), self._operation())
            elif self._skips("?"):
                _used(kind)
                kind = self.expression()
                if self._skips(":"):
                    kind = max(kind, self.expression())
            else:
                self._depth -= 1
                return kind

    def _operation(self) -> Kind:
        """Operands and operators. Which of them binds stronger does not matter: all make one value of two."""
        kind = self._operand()
        while True:
            if self._is_at(*_INFIX):
                self._at += 1
                _used(kind)
                _used(self._argument() if self._is_at("[") else self._operand())
                kind = Kind.ONE
            elif self._skips("~>"):
                _used(kind)
                kind = self._applied()
            else:
                return kind

    def _applied(self) -> Kind:
        """A function of the language after `~>`, with the rest of its arguments or without."""
        token = self._next()
        if token.kind != "variable" or token.text not in _CALLS:
            raise _Grows
        self._called.add(token.text)
        return self._call(token.text) if self._is_at("(") else _CALLS[token.text]

    def _operand(self) -> Kind:
        if not self._skips("-"):
            return self._path(self._value())
        while self._skips("-"):
            pass
        _used(self._path(self._value()))
        return Kind.ONE

    def _value(self) -> Kind:
        """What a path begins with, or a step of it."""
        token = self._next()
        match token.kind:
            case "variable" if self._is_at("("):
                return self._call(token.text)
            case "variable":
                self._refers(token.text)
                return Kind.READ
            case "string" | "number" | "regex":
                return Kind.ONE
            case "name" if not self._is_at("("):
                self._refers(ITEM)
                return Kind.READ
            case "operator" if token.text == "*":
                self._refers(ITEM)
                return Kind.READ
            case "operator" if token.text == "(":
                return self._block()
            case "operator" if token.text == "[":
                return self._made_of(self._listed("]", self.expression))
            case "operator" if token.text == "{":
                return self._made_of(self._listed("}", self._entry))
            case _:
                raise _Grows

    def _path(self, kind: Kind) -> Kind:
        """The steps that follow a value."""
        while True:
            if self._skips("."):
                _used(kind)
                kind = self._step()
            elif self._skips("["):
                # A list of numbers picks items by their positions, the same one as often as it is named.
                if not self._skips("]"):
                    _used(kind)
                    before = self._outermost
                    pick, _ = self._for_each(ITEM, self.expression)
                    self._expect("]")
                    self._outermost = before  # it only chooses
                    kind = kind if _used(pick) == Kind.ONE else Kind.BUILT
            elif self._skips("{"):
                _used(kind)
                kind, _ = self._for_each(ITEM, lambda: self._made_of(self._listed("}", self._entry)))
            elif self._skips("^"):
                _used(kind)
                self._expect("(")
                self._for_each(ITEM, lambda: self._made_of(self._listed(")", self._order)))
                kind = max(kind, Kind.READ)
            elif self._is_at("("):
                raise _Grows
            else:
                return kind

    def _step(self) -> Kind:
        """Done for each item of what is before it."""
        if not self.ended and self._tokens[self._at].kind == "string":
            self._at += 1
            return Kind.READ
        kind, is_same = self._for_each(ITEM, self._value)
        return Kind.BUILT if kind == Kind.READ and is_same else max(kind, Kind.FLAT)

    def _block(self) -> Kind:
        """Expressions in parentheses. The last one counts."""
        kinds = self._listed(")", self.expression, between=";")
        for kind in kinds[:-1]:
            _used(kind)
        return kinds[-1] if kinds else Kind.ONE

    def _call(self, name: str) -> Kind:
        """A function of the language; one that the expression defines is not known."""
        kind = _CALLS.get(name)
        if kind is None:
            raise _Grows
        self._called.add(name)
        self._expect("(")
        made = Kind.BUILT

        def argument() -> Kind:
            nonlocal made
            if name in _TAKES_FUNCTION and self._is_at_function():
                made = self._function() if name in _FOR_EACH else _used(self._function())
                return Kind.ONE
            return self._argument() if kind == Kind.ONE or name == "merge" else _used(self.expression())

        self._listed(")", argument)
        return max(made, Kind.FLAT) if name in _FOR_EACH else kind

    def _argument(self) -> Kind:
        """A value to use at once. Lists that are written down and not long may be among them."""
        if not self._skips("["):
            return _used(self.expression())
        paths: list[_Path | None] = []

        def item() -> None:
            start = self._at
            if _used(self.expression()) > Kind.FLAT:
                paths.append(self._plain_path(start))

        self._listed("]", item)
        if _most_alike(paths) > MOST_PARTS or self._is_at(".", "[", "{", "^"):
            raise _Grows
        return Kind.READ

    def _plain_path(self, start: int) -> _Path | None:
        """What was read since, if it is names with dots between them."""
        tokens = self._tokens[start : self._at]
        named = all(token.kind == "name" if n % 2 == 0 else token.text == "." for n, token in enumerate(tokens))
        return tuple(token.text for token in tokens[::2]) if named else None

    def _is_at_function(self) -> bool:
        here, after = (*self._tokens[self._at : self._at + 2], None, None)[:2]
        if here is None or after is None:
            return False
        if here.kind == "name":
            return here.text in ("function", "λ") and after.text == "("
        return here.kind == "variable" and here.text in _CALLS and after.text in (",", ")")

    def _function(self) -> Kind:
        """What a function gives that is written down where it is used, or is one of the language."""
        token = self._next()
        if token.kind == "variable":
            self._called.add(token.text)
            return _CALLS[token.text] if _CALLS[token.text] <= Kind.FLAT else Kind.BUILT
        self._expect("(")
        start = self._at
        self._listed(")", self._parameter)
        self._expect("{")
        body, is_same = self._for_each(self._tokens[start].text, self.expression)
        self._expect("}")
        return Kind.BUILT if body == Kind.READ and is_same else body

    def _parameter(self) -> Kind:
        self._bound.add(self._next().text)
        return Kind.READ

    def _for_each(self, name: str, read: Callable[[], Kind]) -> tuple[Kind, bool]:
        """Read what is done for one item after another, and whether it could be the same for all of them."""
        before, self._outermost = self._outermost, len(self._frames)
        self._frames.append(name)
        kind = read()
        self._frames.pop()
        is_same = self._outermost < len(self._frames)
        self._outermost = min(before, self._outermost)
        return kind, is_same

    def _refers(self, name: str) -> None:
        frames = [number for number, frame in enumerate(self._frames) if frame == name]
        self._outermost = min(self._outermost, frames[-1] if frames else -1)

    def _entry(self) -> Kind:
        _used(self.expression())
        self._expect(":")
        return self.expression()

    def _order(self) -> Kind:
        if not self._skips("<"):
            self._skips(">")
        return _used(self.expression())

    def _made_of(self, kinds: list[Kind]) -> Kind:
        return Kind.FLAT if all(kind <= Kind.FLAT for kind in kinds) else Kind.BUILT

    def _listed(self, closing: str, read: Callable[[], Read], between: str = ",") -> list[Read]:
        """What stands up to a bracket, separated."""
        kinds: list[Read] = []
        while not self._skips(closing):
            kinds.append(read())
            if not self._is_at(closing):
                self._expect(between)
        return kinds

    def _next(self) -> Token:
        if self.ended:
            raise _Grows
        self._at += 1
        return self._tokens[self._at - 1]

    def _is_at(self, *texts: str) -> bool:
        if self.ended:
            return False
        token = self._tokens[self._at]
        return token.kind == "operator" and token.text in texts

    def _skips(self, text: str) -> bool:
        found = self._is_at(text)
        self._at += found
        return found

    def _expect(self, text: str) -> None:
        if not self._skips(text):
            raise _Grows


def _most_alike(paths: Sequence[_Path | None]) -> int:
    """How often one value may be among what these lead to: a path gives a part of what its beginnings give, and one
    that is not plain may give anything."""
    known = Counter(path for path in paths if path is not None)
    chains = (sum(known[path[:length]] for length in range(1, len(path) + 1)) for path in known)
    return paths.count(None) + max(chains, default=0)


def _used(kind: Kind) -> Kind:
    """The kind of a value that is compared, computed with or gone into, which a built one may not be."""
    if kind == Kind.BUILT:
        raise _Grows
    return kind
