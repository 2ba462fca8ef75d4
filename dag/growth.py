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

from collections.abc import Callable, Sequence
from enum import IntEnum

from dag.tokens import Token

DEEPEST = 40
"""How many expressions may stand within each other."""
MOST_PARTS = 8
"""How many items a list may have that is written down as the argument of a function."""


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
_INFIX = _each("+ - * / % & = != < > <= >= and or in")


def may_grow(tokens: Sequence[Token]) -> bool:
    """Whether an expression could make values far larger than what it reads."""
    reader = _Reader(tokens)
    try:
        reader.expression()
    except _Grows:
        return True
    return not reader.ended


class _Grows(Exception):
    """Something is not understood, or a built value is used."""


class _Reader:
    """Reads the tokens once, from left to right. Every method begins at the next token and goes past what it reads."""

    def __init__(self, tokens: Sequence[Token]):
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._variables = 0
        """How many were read: they give the same for every item that a step of a path is applied to."""

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
                self._names_no_function(self._tokens[self._at - 2])
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
                self._variables += token.text != ""  # `$` alone is the item itself
                return Kind.READ
            case "string" | "number" | "regex":
                return Kind.ONE
            case "name" if not self._is_at("("):
                return Kind.READ
            case "operator" if token.text == "*":
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
                picks = [] if self._skips("]") else self._listed("]", self.expression)
                if picks:
                    _used(kind)
                if any(_used(pick) > Kind.ONE for pick in picks):
                    kind = Kind.BUILT
            elif self._skips("{"):
                _used(kind)
                kind = self._made_of(self._listed("}", self._entry))
            elif self._skips("^"):
                _used(kind)
                self._expect("(")
                self._listed(")", self._order)
                kind = max(kind, Kind.READ)
            elif self._is_at("("):
                raise _Grows
            else:
                return kind

    def _step(self) -> Kind:
        """Done for each item of what is before it."""
        before = self._variables
        token = self._tokens[self._at] if not self.ended else None
        kind = self._value()
        if token is not None and token.kind == "string":
            return Kind.READ
        if kind == Kind.READ:
            return Kind.READ if self._variables == before else Kind.BUILT
        return max(kind, Kind.FLAT)

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
        self._expect("(")
        bodies: list[Kind] = []

        def argument() -> Kind:
            if name in _TAKES_FUNCTION and self._is_at_function():
                bodies.append(self._function())
                return Kind.ONE
            return self._argument() if kind == Kind.ONE or name == "merge" else _used(self.expression())

        self._listed(")", argument)
        if name in _FOR_EACH:
            return Kind.FLAT if bodies and bodies[0] <= Kind.FLAT else Kind.BUILT
        for body in bodies:
            _used(body)
        return kind

    def _argument(self) -> Kind:
        """A value to use at once. Lists that are written down and not long may be among them."""
        if not self._skips("["):
            return _used(self.expression())
        items = self._listed("]", self.expression)
        if len(items) > MOST_PARTS and self._made_of(items) > Kind.FLAT:
            raise _Grows
        for item in items:
            _used(item)
        if self._is_at(".", "[", "{", "^"):
            raise _Grows
        return Kind.READ

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
            return _CALLS[token.text] if token.text not in _TAKES_FUNCTION else Kind.BUILT
        self._expect("(")
        self._listed(")", self._parameter)
        self._expect("{")
        (body,) = self._listed("}", self.expression) or [Kind.ONE]
        return body

    def _parameter(self) -> Kind:
        self._names_no_function(self._next())
        return Kind.READ

    def _names_no_function(self, token: Token) -> None:
        """Refuse a variable that hides a function: calling it may do anything."""
        if token.kind != "variable" or token.text in _CALLS:
            raise _Grows

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

    def _listed(self, closing: str, read: Callable[[], Kind], between: str = ",") -> list[Kind]:
        """What stands up to a bracket, separated."""
        kinds: list[Kind] = []
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


def _used(kind: Kind) -> Kind:
    """The kind of a value that is compared, computed with or gone into, which a built one may not be."""
    if kind == Kind.BUILT:
        raise _Grows
    return kind
