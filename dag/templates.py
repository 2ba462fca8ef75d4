"""Strings that hold `${{ … }}`: finding them in a JSON value, taking them apart, and rendering them with data."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import orjson
from pydantic import JsonValue

from dag.errors import PerdureError
from dag.expressions import MISSING, Missing
from dag.invocation import Part, SecretText
from dag.plan import Pointer, Template

_OPEN = re.compile(r"\$?\$\{\{")
_STEP = re.compile(r"""\}\}|[{}"'`]""")
_SECRET = re.compile(r"\s*secrets\s*\.\s*([A-Za-z_]\w*)\s*", re.ASCII)


class TemplateSyntax(PerdureError):
    """A `${{` has no `}}` that ends it. Write `$${{` for the two braces themselves."""

    code = "expression.failed"

    def __init__(self, offset: int):
        super().__init__(details={"position": offset})
        self.offset = offset


@dataclass(frozen=True)
class Text:
    """Stands for itself."""

    text: str


@dataclass(frozen=True)
class Marker:
    """An expression, and where in the whole string it begins."""

    source: str
    offset: int

    @property
    def secret(self) -> str | None:
        """The name of the secret, if the marker is nothing but `secrets.<name>`."""
        found = _SECRET.fullmatch(self.source)
        return found[1] if found else None


@dataclass(frozen=True)
class Rendered:
    """A value without markers, and the strings in it that a worker must put secrets into."""

    value: JsonValue
    secrets: tuple[SecretText, ...] = ()


def scan(value: JsonValue) -> Template:
    """Find the strings that hold markers or escapes."""
    return Template(value, tuple(_places(value)))


@lru_cache(maxsize=4096)
def split(text: str) -> tuple[Text | Marker, ...]:
    """Take a string apart into text and markers; escapes are undone."""
    parts: list[Text | Marker] = []
    plain: list[str] = []
    at = 0
    while opening := _OPEN.search(text, at):
        plain.append(text[at : opening.start()])
        at = opening.end()
        if opening[0] == "$${{":
            plain.append("${{")
            continue
        end = _end(text, at)
        if said := "".join(plain):
            parts.append(Text(said))
        plain = []
        parts.append(Marker(text[at:end], at))
        at = end + 2
    if said := "".join(plain) + text[at:]:
        parts.append(Text(said))
    return tuple(parts)


def render(template: Template, evaluate: Callable[[str], JsonValue | Missing]) -> Rendered:
    """Put values in the place of markers. What holds none is shared with the template, which stays as it is."""
    tree: _Tree = {}
    for place in template.places:
        branch = tree
        for step in place:
            branch = branch.setdefault(step, {})
    secrets: list[SecretText] = []
    value = _filled(template.value, tree, evaluate, (), secrets) if template.places else template.value
    return Rendered(None if value is MISSING else value, tuple(secrets))


def as_text(value: JsonValue | Missing) -> str:
    """A value as it stands within text: missing and null as nothing, objects and lists as compact JSON."""
    match value:
        case Missing() | None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return orjson.dumps(value).decode()


_Tree = dict[str | int, "_Tree"]


def _filled(
    value: JsonValue,
    tree: _Tree,
    evaluate: Callable[[str], JsonValue | Missing],
    place: Pointer,
    secrets: list[SecretText],
) -> JsonValue | Missing:
    match value:
        case str():
            return _joined(value, evaluate, place, secrets)
        case dict():
            filled = {
                key: _filled(child, tree[key], evaluate, (*place, key), secrets) if key in tree else child
                for key, child in value.items()
            }
            return {key: child for key, child in filled.items() if child is not MISSING}
        case list():
            copy: list[JsonValue] = list(value)
            for n, branch in tree.items():
                child = _filled(copy[cast(int, n)], branch, evaluate, (*place, n), secrets)
                copy[cast(int, n)] = None if child is MISSING else child
            return copy
        case _:
            return value


def _joined(
    text: str, evaluate: Callable[[str], JsonValue | Missing], place: Pointer, secrets: list[SecretText]
) -> JsonValue | Missing:
    parts = split(text)
    if len(parts) == 1 and isinstance(marker := parts[0], Marker) and marker.secret is None:
        return evaluate(marker.source)
    done: list[Part] = []
    for part in parts:
        match part:
            case Text():
                done.append(part.text)
            case Marker() if part.secret is not None:
                done.append((part.secret,))
            case Marker():
                done.append(as_text(evaluate(part.source)))
    if any(isinstance(part, tuple) for part in done):
        secrets.append(SecretText(_pointer(place), tuple(done)))
    return "".join("***" if isinstance(part, tuple) else part for part in done)


def _pointer(place: Pointer) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def _places(value: JsonValue) -> Iterator[Pointer]:
    """Walk without recursion, in written order."""
    stack: list[tuple[Pointer, JsonValue]] = [((), value)]
    while stack:
        place, one = stack.pop()
        match one:
            case str() if "${{" in one:
                yield place
            case dict():
                stack.extend([((*place, key), child) for key, child in one.items()][::-1])
            case list():
                stack.extend([((*place, n), child) for n, child in enumerate(one)][::-1])
            case _:
                pass


def _end(text: str, start: int) -> int:
    """Where the marker that begins at `start` ends: the first `}}` outside quotes and balanced braces."""
    depth = 0
    at = start
    while found := _STEP.search(text, at):
        at = found.end()
        match found[0]:
            case "{":
                depth += 1
            case "}" | "}}" if depth:
                depth -= 1
                at = found.start() + 1
            case "}}":
                return found.start()
            case "}":
                pass
            case quote:
                at = _quoted(text, at, quote)
    raise TemplateSyntax(start)


def _quoted(text: str, at: int, quote: str) -> int:
    """Past the end of what is quoted from `at` on; a backslash keeps a quote from ending it."""
    found = re.compile(rf"(?:[^{quote}\\\\]|\\\\.)*{quote}", re.DOTALL).match(text, at)
    return found.end() if found else len(text)
