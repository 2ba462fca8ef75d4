"""Strings that hold `${{ … }}`: finding them in a JSON value, taking them apart, and putting data in their place."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

from pydantic import JsonValue

from dag.expressions import MISSING, ExpressionBudget, ExpressionSyntax, Missing, as_text
from dag.invocation import Part, SecretText
from dag.paths import seen
from dag.plan import Pointer, Template, Tree
from dag.problems import pointer

__all__ = ["Marker", "Rendered", "TemplateSyntax", "Text", "as_text", "filled", "render", "scan", "split"]

DEEPEST = 250
"""Objects and lists within each other in what may hold templates."""
LONGEST_TEXT = 20 * 1024**2
"""Characters that the texts of one template grow to, all together."""
LONGEST_REMEMBERED = 500
"""Characters of a string that is kept taken apart; longer ones are taken apart each time."""

_OPENING = re.compile(r"\$?\$\{\{")
_WITHIN = re.compile(r"""[{}"'`]""")
_SECRET = re.compile(r"\s*secrets\s*\.\s*(?:([A-Za-z_]\w*)|`([^`]+)`)\s*", re.ASCII)

Evaluate = Callable[[str], JsonValue | Missing]


class TemplateSyntax(ExpressionSyntax):
    """A `${{` is not ended by `}}`. For the text `${{` itself write `$${{`."""

    def __init__(self, position: int):
        super().__init__(
            f"The `${{{{` at character {position} is not ended by `}}}}` outside quotes and braces."
            " For the text `${{` itself write `$${{`.",
            details={"position": position},
        )
        self.position = position


@dataclass(frozen=True)
class Text:
    """Stands for itself."""

    text: str


@dataclass(frozen=True)
class Marker:
    """An expression, and where in the whole string it begins."""

    source: str
    offset: int

    @cached_property
    def secret(self) -> str | None:
        """The name of the secret, if the marker is `secrets.<name>` and nothing else."""
        found = _SECRET.fullmatch(self.source)
        return (found[1] or found[2]) if found else None


@dataclass(slots=True)
class Rendered:
    """A value without markers, and the strings in it that a worker puts secrets into."""

    value: JsonValue
    secrets: tuple[SecretText, ...] = ()


def scan(value: JsonValue) -> Template:
    """Find the strings that hold markers, or `$${{`, in written order."""
    places: list[Pointer] = []
    ahead: list[tuple[Pointer, JsonValue]] = [((), value)]
    while ahead:
        place, one = ahead.pop()
        match one:
            case str() if "${{" in one:
                places.append(place)
            case dict() | list() if len(place) > DEEPEST:
                raise ExpressionBudget(f"More than {DEEPEST} objects and lists within each other.")
            case dict():
                ahead += [((*place, key), child) for key, child in reversed(one.items()) if _may_hold(child)]
            case list():
                ahead += [((*place, n), one[n]) for n in range(len(one) - 1, -1, -1) if _may_hold(one[n])]
            case _:
                pass
    return Template(value, tuple(places))


def split(text: str) -> tuple[Text | Marker, ...]:
    """Take a string apart; in its texts `$${{` has become `${{`. Raises TemplateSyntax."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _split(text)


def render(template: Template, evaluate: Evaluate) -> Rendered:
    """Put values in the place of markers. What holds none is shared with the template, which stays as it is."""
    if not template.places:
        return Rendered(template.value)
    rendering = _Rendering(evaluate)
    value = rendering.value(template.value, template.tree, ())
    return Rendered(None if value is MISSING else value, tuple(rendering.secrets))


def filled(template: Template, scope: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
    """What rendering an object yields whose markers all only name single values that are seen; None: it takes more.
    That is so of nearly all configs of activities, and what is filled in needs no budget."""
    if template.paths is None or not isinstance(template.value, dict):
        return None
    copy = dict(template.value)
    for key, path in template.paths.items():
        value = copy[key] = seen(path, scope)
        if value is None:
            return None
    return copy


class _Rendering:
    """One template being rendered."""

    def __init__(self, evaluate: Evaluate):
        self._evaluate = evaluate
        self._room = LONGEST_TEXT
        self.secrets: list[SecretText] = []

    def value(self, value: JsonValue, tree: Tree, place: Pointer) -> JsonValue | Missing:
        """The value with its templates rendered, a copy where there are any."""
        if isinstance(value, str):
            return self._string(value, place)
        if isinstance(value, dict):
            return self._object(value, cast("dict[str, Tree]", tree), place)
        if isinstance(value, list):
            return self._list(value, cast("dict[int, Tree]", tree), place)
        return value

    def _object(self, value: dict[str, JsonValue], tree: dict[str, Tree], place: Pointer) -> JsonValue:
        copy = dict(value)
        for key, branch in tree.items():
            child, at = value[key], (*place, key)
            child = self._string(child, at) if isinstance(child, str) else self.value(child, branch, at)
            if child is MISSING:
                del copy[key]
            else:
                copy[key] = child
        return copy

    def _list(self, value: list[JsonValue], tree: dict[int, Tree], place: Pointer) -> JsonValue:
        items = list(value)
        for n, branch in tree.items():
            child = self.value(value[n], branch, (*place, n))
            items[n] = None if child is MISSING else child
        return items

    def _string(self, text: str, place: Pointer) -> JsonValue | Missing:
        parts = split(text)
        if len(parts) == 1 and isinstance(parts[0], Marker) and parts[0].secret is None:
            return self._evaluate(parts[0].source)
        joined: list[Part] = [self._part(part) for part in parts]
        if any(isinstance(part, tuple) for part in joined):
            self.secrets.append(SecretText(pointer(place), tuple(joined)))
        return "".join(part if isinstance(part, str) else "***" for part in joined)

    def _part(self, part: Text | Marker) -> Part:
        if isinstance(part, Text):
            return part.text
        if (name := part.secret) is not None:
            return (name,)
        text = as_text(self._evaluate(part.source))
        self._room -= len(text)
        if self._room < 0:
            raise ExpressionBudget(f"The texts of the template grow beyond {LONGEST_TEXT} characters.")
        return text


def _may_hold(value: JsonValue) -> bool:
    return isinstance(value, str | dict | list)


def _split(text: str) -> tuple[Text | Marker, ...]:
    parts: list[Text | Marker] = []
    said: list[str] = []
    at = 0
    while opening := _OPENING.search(text, at):
        said.append(text[at : opening.start()])
        at = opening.end()
        if opening[0] == "$${{":
            said.append("${{")
            continue
        end = _end(text, at)
        if before := "".join(said):
            parts.append(Text(before))
        said = []
        parts.append(Marker(text[at:end], at))
        at = end + 2
    if rest := "".join((*said, text[at:])):
        parts.append(Text(rest))
    return tuple(parts)


_remembered = lru_cache(maxsize=4096)(_split)


def _end(text: str, start: int) -> int:
    """Where the marker ends whose expression begins at `start`."""
    depth = 0
    at = start
    while found := _WITHIN.search(text, at):
        at = found.end()
        match found[0]:
            case "{":
                depth += 1
            case "}" if depth:
                depth -= 1
            case "}":
                if text.startswith("}", at):
                    return at - 1
            case quote:
                at = _quote_end(text, at, quote)
    raise TemplateSyntax(start - len("${{"))


_QUOTED = {quote: re.compile(rf"\\|{quote}") for quote in "\"'"}


def _quote_end(text: str, at: int, quote: str) -> int:
    """Past the quote that ends what begins at `at`; within `"` and `'` a backslash takes the next character with it."""
    if quote == "`":
        end = text.find("`", at)
        return len(text) if end < 0 else end + 1
    while found := _QUOTED[quote].search(text, at):
        at = found.end()
        if found[0] == quote:
            return at
        at += 1
    return len(text)
