"""What is wrong with a document: problems with a code, a place and words for the person who wrote it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from pydantic import JsonValue

CODES: Mapping[str, str] = {
    "syntax": "The text is not YAML or JSON.",
    "not_accepted": "The text uses what is not accepted here: tags, several documents, NUL, lone surrogates.",
    "duplicate_key": "The same key stands twice in one object.",
    "limit": "Something is larger than a limit allows.",
    "number_range": "A number is not finite, or an integer beyond ±2^53.",
    "wrong_type": "A value is of another type than its field.",
    "invalid_value": "A value is of the right type but not one that its field can have.",
    "missing_field": "A field that is needed is not there.",
    "unknown_field": "No such field exists here.",
    "field_not_allowed": "The field exists, but not for this type or not together with another field.",
    "unknown_type": "The type is neither a control word nor written like an activity type.",
    "reserved_name": "The name is kept for something else.",
    "duplicate_id": "An enclosing graph has a node with the same id.",
    "empty_graph": "A graph has no nodes.",
    "more": "There are more problems than are told at once.",
    "invalid_schema": "A JSON Schema is not valid, or refers to something outside itself.",
}
"""Every code of the model's problems. The checks of graphs and of references have codes of their own."""


@dataclass(frozen=True)
class Problem:
    """One thing to mend. `path` is a JSON pointer into the document."""

    code: str
    path: str
    message: str
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"

    def value(self) -> JsonValue:
        """The same as data."""
        return {
            "code": self.code,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
            "severity": self.severity,
        }


MOST_PROBLEMS = 1000


def told(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """As many problems as a person can read, and whether there are more."""
    if len(problems) <= MOST_PROBLEMS:
        return tuple(problems)
    more = Problem("more", "", f"There are more problems than the first {MOST_PROBLEMS}, which are told here.")
    return (*problems[:MOST_PROBLEMS], more)


def pointer(parts: Iterable[str | int]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def unescaped(text: str) -> tuple[str, ...]:
    """Read a JSON pointer; list positions stay text."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the closest known word, or all of them when they are few."""
    names = list(known)
    close = get_close_matches(word[:100], names, n=1)
    if close:
        return f"Did you mean `{close[0]}`?"
    return "Known here: " + ", ".join(f"`{name}`" for name in names) + "." if 0 < len(names) <= 40 else None
