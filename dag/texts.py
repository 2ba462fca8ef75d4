"""The expressions and templates of a part of a document, each with its place and with what it reads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from dag.errors import PerdureError
from dag.expressions import References, parse
from dag.part import Part
from dag.places import Path, Pattern, Place, found
from dag.templates import Marker, scan, split


@dataclass(frozen=True)
class Written:
    """An expression, or a string with markers in it. Read once, for the checks and for the plan."""

    path: Path
    pattern: Pattern
    """Where in its part's model it stands."""
    text: str
    is_template: bool

    @cached_property
    def references(self) -> tuple[References | PerdureError, ...]:
        """What each of its expressions reads, or why that cannot be told."""
        if isinstance(self._markers, PerdureError):
            return (self._markers,)
        return tuple(_read(source) for source in dict.fromkeys(one.source for one in self._markers if not one.secret))

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that stand by themselves in it."""
        markers = () if isinstance(self._markers, PerdureError) else self._markers
        return tuple(dict.fromkeys(one.secret for one in markers if one.secret))

    @cached_property
    def _markers(self) -> tuple[Marker, ...] | PerdureError:
        if not self.is_template:
            return (Marker(self.text, 0),)
        try:
            return tuple(part for part in split(self.text) if isinstance(part, Marker))
        except PerdureError as error:
            return error.with_traceback(None)


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


def _read(source: str) -> References | PerdureError:
    try:
        return parse(source).references
    except PerdureError as error:
        return error.with_traceback(None)


def _at(value: object, path: Path) -> str:
    for step in path:
        assert isinstance(value, dict | list)
        value = value[step]  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportCallIssue]
    assert isinstance(value, str)
    return value
