"""A JSON value to YAML text that every YAML reader, old or new, reads as the same value."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from pydantic import JsonValue

from dag.yaml_reading import plain

_DUMPER = yaml.SafeDumper
_EMIT: Callable[..., str] = yaml.emit  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_OLD_RESOLVERS: Any = yaml.SafeLoader.yaml_implicit_resolvers
"""What YAML 1.1 reads as something else than text: `on`, `no`, times, dates, numbers in ways of its own."""
_OLD_LETTERS = frozenset("yYnN")
_UNSEEN = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that are written as escapes: none is printed, and some end a line in YAML 1.1."""
_WIDEST = 2**30
"""Lines are not folded, so that a changed word is a changed line."""


def write_yaml(value: JsonValue) -> str:
    """Write a value in its order, text of several lines as a block. Depth does not matter."""
    return _EMIT(_events(value), Dumper=_DUMPER, width=_WIDEST, allow_unicode=True)


def _events(value: JsonValue) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    waiting: list[JsonValue | yaml.Event] = [value]
    while waiting:
        step = waiting.pop()
        if isinstance(step, yaml.Event):
            yield step
        elif isinstance(step, dict):
            yield yaml.MappingStartEvent(anchor=None, tag=None, implicit=True, flow_style=not step)
            waiting.append(yaml.MappingEndEvent())
            for key, child in reversed(step.items()):
                waiting += (child, _text(key, block=False))
        elif isinstance(step, list):
            yield yaml.SequenceStartEvent(anchor=None, tag=None, implicit=True, flow_style=not step)
            waiting.append(yaml.SequenceEndEvent())
            waiting += reversed(step)
        elif isinstance(step, str):
            yield _text(step, block="\n" in step)
        else:
            yield yaml.ScalarEvent(anchor=None, tag=None, implicit=(True, False), value=_scalar(step))
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _text(text: str, *, block: bool) -> yaml.ScalarEvent:
    """Text that might be taken for something else stands in quotes; the emitter adds those that its form needs."""
    bare = not _misleading(text)
    style = '"' if _UNSEEN.search(text) else "|" if block else None
    return yaml.ScalarEvent(anchor=None, tag=None, implicit=(bare, True), value=text, style=style)


def _misleading(text: str) -> bool:
    old: list[tuple[str, Any]] = _OLD_RESOLVERS.get(text[:1], [])
    return not isinstance(plain(text), str) or text in _OLD_LETTERS or any(form.match(text) for _, form in old)


def _scalar(value: float | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            digits, power, exponent = repr(value).partition("e")
            return digits + ("" if "." in digits else ".0") + power + exponent
