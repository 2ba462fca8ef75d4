"""Tells JSON with too many values: two bytes of text, such as `[]`, can take a hundred of memory, and much time."""

import re

from dag.limits import DEFAULTS

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def crowded(text: bytes, *, most: int = DEFAULTS.payload_values) -> bool:
    """Whether a JSON text holds more than `most` values, give or take brackets with nothing but spaces in them."""
    if len(text) < 2 * most or _values(text) <= most:
        return False
    return _values(_STRING.sub(b"0", text)) > most


def _values(text: bytes) -> int:
    """How many there are if no string holds brackets or commas: one, one after each comma, one in each bracket."""
    empty = text.count(b"[]") + text.count(b"{}")
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{") - empty
