"""Takes a JSONata expression apart into tokens, so that places in it can be named and its shape be seen.

Only of expressions that the engine has parsed; it checks nothing itself."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "variable", "string", "number", "regex", "operator"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n\v\r]+|/\*.*?\*/)
    |(?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<quoted>`[^`]*`)
    |(?P<operator>\.\.|:=|!=|>=|<=|\*\*|~>|\?:|\?\?|[.\[\]{}(),@\#;:?+*/%|=<>^&!~-])
    |(?P<word>[^ \t\n\v\r.\[\]{}(),@\#;:?+*/%|=<>^&!~-]+)""",
    re.VERBOSE | re.DOTALL,
)
"""As the engine splits it: quotes within a word are part of the word."""
_WORD_OPERATORS = frozenset(("and", "or", "in"))
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression and the character it ends before. Names and variables are bare: no backquotes, no `$`."""

    kind: Kind
    text: str
    end: int
    ends_operand: bool
    """Whether a value ends here, so that what follows joins it to another or goes on with it."""


def tokens(source: str) -> tuple[Token, ...]:
    """The words of an expression, without space and comments."""
    found: list[Token] = []
    at = 0
    ended = False
    while at < len(source):
        if source[at] == "/" and not ended and source[at + 1 : at + 2] != "*":
            end = min(_regex_end(source, at + 1), len(source))
            found.append(Token("regex", source[at:end], end, ends_operand=True))
        elif (match := _TOKEN.match(source, at)) is None:
            break
        else:
            end = match.end()
            if match.lastgroup != "space":
                found.append(_token(match, ended=ended))
        ended = found[-1].ends_operand if found else False
        at = end
    return tuple(found)


def _token(match: re.Match[str], *, ended: bool) -> Token:
    text, end = match[0], match.end()
    match match.lastgroup:
        case "number" | "string" as kind:
            return Token(kind, text, end, ends_operand=True)
        case "quoted":
            return Token("name", text[1:-1], end, ends_operand=True)
        case "word" if text[0] == "$":
            return Token("variable", text[1:], end, ends_operand=True)
        case "word" if text in _WORD_OPERATORS and ended:
            return Token("operator", text, end, ends_operand=False)
        case "word":
            return Token("name", text, end, ends_operand=True)
        case _:
            # `*`, `**` and `%` are steps of a path where a value may begin, operators elsewhere.
            is_step = not ended and text in ("*", "**", "%")
            return Token("operator", text, end, ends_operand=text in _CLOSING or is_step)


def _regex_end(source: str, at: int) -> int:
    """Past the slash that ends a regular expression, and its flags."""
    depth = 0
    while at < len(source):
        letter = source[at]
        if letter == "\\":
            at += 1
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter == "/" and depth == 0:
            break
        at += 1
    at += 1
    while source[at : at + 1] in ("i", "m"):
        at += 1
    return at
