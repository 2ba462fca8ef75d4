"""The expressions and templates of a part of a document, each with its place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dag.part import Part
from dag.places import Path, Pattern, Place, found
from dag.templates import Marker, scan, split


@dataclass(frozen=True)
class Written:
    """An expression, or a string with markers in it."""

    path: Path
    pattern: Pattern
    """Where in its part's model it stands."""
    text: str
    is_template: bool

    def markers(self) -> tuple[Marker, ...]:
        """The expressions in it. Raises TemplateSyntax."""
        if not self.is_template:
            return (Marker(self.text, 0),)
        return tuple(part for part in split(self.text) if isinstance(part, Marker))


def texts(part: Part, places: Iterable[Place]) -> Iterator[Written]:
    """Everything in a part that computes, at these places."""
    for place in places:
        if place.holds == "expression":
            for path, text in found(part, place.pattern):
                yield Written(path, place.pattern, text, is_template=False)
        elif place.holds == "template":
            for path, value in found(part, place.pattern):
                for inner in scan(value).places:
                    yield Written((*path, *inner), place.pattern, _at(value, inner), is_template=True)


def _at(value: object, path: Path) -> str:
    for step in path:
        assert isinstance(value, dict | list)
        value = value[step]  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportCallIssue]
    assert isinstance(value, str)
    return value
