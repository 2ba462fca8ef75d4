"""Replaces secrets, however they are encoded, in all that leaves an attempt."""

import logging
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

HIDDEN = "***"
SHORT = 4
"""Of a secret with fewer characters only whole words are replaced, or nothing would be left of what holds it."""


class Redaction:
    """What one attempt must hide; it may learn more of it on the way."""

    __slots__ = ("_forms", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()):
        self._secrets: frozenset[str] = frozenset()
        self._forms: Sequence[_Form] = ()
        if secrets:
            self.add(*secrets)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def __call__(self, text: str) -> str:
        """Replace every occurrence of every secret by `***`."""
        for form in self._forms:
            if form.anchor in text:
                text = form.pattern.sub(HIDDEN, text)
        return text

    def may_touch(self, json: bytes) -> bool:
        """Whether anything in a JSON text could have to be hidden; JSON writes letters and digits as they are."""
        return bool(self._forms) and any(form.anchor.encode() in json for form in self._forms)

    def content(self, content: bytes) -> bytes:
        """The same for what may be no text."""
        return self(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") if self else content

    def add(self, *secrets: str) -> None:
        """Hide these too."""
        self._secrets = self._secrets | {*secrets} - {""}
        # The longest first: one may be part of another.
        self._forms = [form for secret in sorted(self._secrets, key=len, reverse=True) for form in _forms(secret)]


current: ContextVar[Redaction] = ContextVar("perdure redaction")
"""Of the attempt that is running here, if one is."""


class RedactingFormatter(logging.Formatter):
    """Keeps an attempt's secrets out of the process log, whichever library writes there."""

    def __init__(self, inner: logging.Formatter):
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Format as usual, then hide."""
        text = self._inner.format(record)
        redact = current.get(None)
        return text if redact is None else redact(text)


@dataclass(frozen=True)
class _Form:
    anchor: str
    """Part of every text that matches: looking for it is far quicker than looking for the pattern."""
    pattern: re.Pattern[str]


def _forms(secret: str) -> list[_Form]:
    plain = "".join(map(_plain, secret))
    if len(secret) < SHORT:
        return [_Form(_letters(secret), re.compile(f"(?<![A-Za-z0-9]){plain}(?![A-Za-z0-9])"))]
    return [_Form(_letters(secret), re.compile(plain)), *_base64(secret.encode("utf-8", "replace"))]


def _plain(character: str) -> str:
    """Match a character as it is, in a URL, and escaped in JSON or the like."""
    if character.isascii() and character.isalnum():
        return character
    in_url = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "replace"))
    in_json = "".join(f"\\u{unit:04x}" for unit in _utf16(character))
    # The escaped ways first: tried last, the backslash would stay behind.
    ways = [f"(?i:{re.escape(in_json)})", f"(?i:{in_url})", re.escape(character)]
    if character in _ESCAPES:
        ways.insert(0, re.escape("\\" + _ESCAPES[character]))
    if character == " ":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"


_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/", "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


def _utf16(character: str) -> list[int]:
    units = character.encode("utf-16-be", "replace")
    return [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]


def _base64(secret: bytes) -> list[_Form]:
    """Match what base64 makes of a secret within a longer text. That depends on how many bytes stand before it, and the
    characters at both ends also hold bits of its neighbours."""
    forms: list[_Form] = []
    for before in range(3):
        start, end = 8 * before, 8 * (before + len(secret))
        code = b64encode(bytes(before) + secret).decode()[-(-start // 6) : end // 6]
        either = code.replace("+", "[+-]").replace("/", "[/_]")
        pattern = f"{_ANY if start % 6 else ''}{either}{_ANY if end % 6 else ''}={{0,2}}"
        forms.append(_Form(_letters(code), re.compile(pattern)))
    return forms


_ANY = "[A-Za-z0-9+/_-]"


def _letters(text: str) -> str:
    return max(re.findall("[A-Za-z0-9]+", text), key=len, default="")
