"""Text that others wrote, made harmless for a terminal."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, changes colours or turns the direction of writing; tabs and newlines are none of it."""


def clean(text: str) -> str:
    """On one line, and without what would steer the terminal."""
    return _CONTROL.sub("", text).replace("\n", " ")


def visible(text: str) -> str:
    """The same lines, with a sign for each character that would steer the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def clean_json(text: str) -> str:
    """The same JSON, with what would steer the terminal written as escapes: such characters stand in strings only."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
