"""Makes of bytes from outside what a workflow can hold: text without NUL, JSON that survives every reader."""

import math
import re

from pydantic import JsonValue
from pydantic_core import from_json

from activities.errors import PayloadTooLarge, ReplyUnreadable
from dag.crowding import crowded
from dag.limits import DEFAULTS, LARGEST_INTEGER

# Not `codecs.lookup`, which remembers every name it is asked for and knows codecs that are slow or no text at all.
CHARSETS = {
    "big5",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "gb2312",
    "gbk",
    "iso-8859-1",
    "iso-8859-15",
    "iso-8859-2",
    "koi8-r",
    "koi8-u",
    "latin1",
    "shift_jis",
    "us-ascii",
    "utf-16",
    "utf-16be",
    "utf-16le",
    "windows-1250",
    "windows-1251",
    "windows-1252",
}
_MEDIA_JSON = re.compile(r"application/json|text/json|[^;\s]+\+json")
_MEDIA_TEXT = re.compile(
    r"text/.*|application/(xml|javascript|x-www-form-urlencoded|x-ndjson|graphql|yaml)|[^;\s]+\+xml"
)
# An escaped backslash and a pair of surrogates are skipped over, so that only what stands alone is in group 1.
_NO_TEXT = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_LARGE_NUMBER = re.compile(rb"[0-9]{16}|[eE]\+?[0-9]{3}")


def media_type(content_type: str) -> str:
    """Take the bare media type from a Content-Type header."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Tell whether a Content-Type promises JSON."""
    return _MEDIA_JSON.fullmatch(media_type(content_type)) is not None


def is_text(content_type: str) -> bool:
    """Tell whether a Content-Type promises text."""
    return _MEDIA_TEXT.fullmatch(media_type(content_type)) is not None


def text(content: bytes, content_type: str) -> str:
    """Decode by the charset that is named, else UTF-8; what cannot be decoded, and NUL, becomes `�`."""
    charset = re.search(r"""charset\s*=\s*["']?([A-Za-z0-9_-]+)""", content_type, re.IGNORECASE)
    name = charset[1].lower() if charset and charset[1].lower() in CHARSETS else "utf-8-sig"
    return content.decode(name, errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def json(content: bytes) -> JsonValue:
    """Parse JSON in UTF-8. Integers beyond ±2^53 become text, lone surrogates and NUL become `�`; nothing is null."""
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not content:
        return None
    if crowded(content):
        raise PayloadTooLarge(f"The answer has more than {DEFAULTS.payload_values} values.")
    if _SUSPECT.search(content):
        content = _NO_TEXT.sub(_replaced, content)
    try:
        value: JsonValue = from_json(content, allow_inf_nan=False)
    except ValueError as wrong:
        raise ReplyUnreadable(f"The answer is not JSON: {wrong}.") from None
    return _kept(value) if _LARGE_NUMBER.search(content) else value


def _replaced(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found[1] else found[0]


def _kept(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {key: _kept(item) for key, item in value.items()}
        case list():
            return [_kept(item) for item in value]
        case bool():
            return value
        case int():
            return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else str(value)
        case float() if not math.isfinite(value):
            raise ReplyUnreadable("The answer holds a number larger than any that can be kept.")
        case _:
            return value
