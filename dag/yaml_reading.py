"""YAML text to a JSON value: as YAML 1.2 reads it, without tags, with anchors that cannot grow into much.

Built from the parser's events, which come from a state machine: no depth of nesting can exhaust a stack.
"""

import re
from typing import Any

import yaml
from pydantic import JsonValue

from dag.json_reading import integer
from dag.limits import Limits
from dag.problems import MOST_PROBLEMS, Problem, pointer

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, JsonValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER = re.compile(
    r"[-+]?(?P<whole>0|[1-9][0-9]*)"
    r"|[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    r"|0o(?P<octal>[0-7]+)"
    r"|0x(?P<hexadecimal>[0-9a-fA-F]+)"
)
_NUMBER_STARTS = frozenset("+-.0123456789")


def read_yaml(text: str, *, limits: Limits) -> tuple[JsonValue, list[Problem]]:
    """Read a document, with the problems of the text. What no value may hold is left in, for its place to be found."""
    reader = _Reader(limits)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reader.take(event)
    except _Stop:
        return None, reader.problems
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "its end"
        return None, [*reader.problems, Problem("syntax", "", f"This is not YAML: {wrong.problem}, at {place}.")]
    except yaml.reader.ReaderError as wrong:
        return None, [Problem("not_accepted", "", f"This is not YAML: {wrong.reason}.")]
    if not reader.read:
        return None, [Problem("syntax", "", "The document is empty.")]
    return reader.value, reader.problems


def plain(text: str) -> JsonValue:
    """What a scalar means that stands without quotes. Numbers with leading zeros, times and dates are text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or not (number := _NUMBER.fullmatch(text)):
        return text
    if number["whole"]:
        return integer(text)
    if number["octal"]:
        return int(number["octal"][:30], 8)
    if number["hexadecimal"]:
        return int(number["hexadecimal"][:30], 16)
    return float(text)


class _Stop(Exception):
    pass


class _Open:
    """An object or a list that has begun; its size counts what its aliases stand for."""

    __slots__ = ("anchor", "key", "lines", "size", "value")

    def __init__(self, value: dict[str, JsonValue] | list[JsonValue], anchor: str | None):
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.lines: dict[str, int] = {}
        self.size = 1


class _Reader:
    """Puts a value together, event by event."""

    def __init__(self, limits: Limits):
        self.problems: list[Problem] = []
        self.value: JsonValue = None
        self.read = False
        self._limits = limits
        self._open: list[_Open] = []
        self._values = 0
        self._anchors: dict[str, tuple[JsonValue, int] | None] = {}

    def take(self, event: Any) -> None:
        kind: type[yaml.Event] = event.__class__
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._begin(event, {})
        elif kind is yaml.SequenceStartEvent:
            self._begin(event, [])
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            done = self._open.pop()
            self._put(done.value, done.size, done.anchor)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent and self.read:
            raise self._stop("not_accepted", "There is more than one document.")

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._tagged(event)
        text: str = event.value
        if self._expects_key():
            self._key(text, event)
        else:
            value = plain(text) if event.implicit[0] else text
            self._put(value, 1 + len(text), event.anchor)

    def _begin(self, event: Any, value: dict[str, JsonValue] | list[JsonValue]) -> None:
        if event.tag is not None:
            self._tagged(event)
        if self._expects_key():
            raise self._stop("not_accepted", "The keys of an object are text.")
        if len(self._open) >= self._limits.document_depth:
            raise self._stop("limit", f"This lies deeper than {self._limits.document_depth} objects and lists.")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(value, event.anchor))

    def _alias(self, event: Any) -> None:
        if self._expects_key():
            raise self._stop("not_accepted", "The keys of an object are text, not aliases.")
        found = self._anchors.get(event.anchor)
        if found is None:
            what = "stands inside of what it names" if event.anchor in self._anchors else "names nothing"
            raise self._stop("not_accepted", f"The alias `*{event.anchor}` {what}.")
        value, size = found
        self._put(value, size, None)

    def _key(self, text: str, event: Any) -> None:
        here = self._open[-1]
        line = event.start_mark.line + 1
        here.key = text
        if text == "<<" and event.implicit[0]:
            hint = "Write out what is merged, or put the key in quotes."
            self._note("not_accepted", f"Objects are not merged (line {line}).", hint)
        if text in here.lines:
            self._note("duplicate_key", f"`{text[:100]}` stands twice here (lines {here.lines[text]} and {line}).")
        here.lines[text] = line
        here.size += len(text)

    def _put(self, value: JsonValue, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.value, self.read = value, True
            return
        here = self._open[-1]
        here.size += size
        self._values += 1
        if self._values > self._limits.document_values:
            raise self._stop("limit", f"There are more than {self._limits.document_values} values.")
        if here.size > self._limits.document_bytes:
            limit = self._limits.document_bytes
            raise self._stop("limit", f"With its aliases written out this is larger than {limit} bytes.")
        if isinstance(here.value, list):
            here.value.append(value)
        elif here.key is not None:
            here.value[here.key] = value
            here.key = None

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _tagged(self, event: Any) -> None:
        self._note("not_accepted", f"Tags are not used here: `{event.tag[:100]}` (line {event.start_mark.line + 1}).")

    def _stop(self, code: str, message: str) -> _Stop:
        self._note(code, message)
        return _Stop()

    def _note(self, code: str, message: str, hint: str | None = None) -> None:
        steps = (len(one.value) if isinstance(one.value, list) else one.key for one in self._open)
        path = pointer(step for step in steps if step is not None)
        self.problems.append(Problem(code, path, message, hint))
        if len(self.problems) > MOST_PROBLEMS:
            raise _Stop
