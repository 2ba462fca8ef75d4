"""The words of errors by which executions are found: seen by nobody, since an error may hold what a tenant computed."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from store.sealing import Seal

KEY = "error"
"""What they stand under among the words of executions; labels and search fields stand under names with a dot."""
MOST = 50
"""Words of one error; a longer text is found by its first ones."""
_WORD = re.compile(r"\w{2,60}")
_BYTES = 15


def words(text: str) -> Sequence[str]:
    """The words of a text, as they count: a whole one in whatever case."""
    return list(dict.fromkeys(_WORD.findall(text.casefold())))[:MOST]


def kept(seal: Seal, code: str, message: str) -> list[str]:
    """What is kept of an error's words."""
    return [_kept(digests[0]) for digests in (seal.digests(_purpose(word)) for word in words(f"{code} {message}"))]


@dataclass(frozen=True)
class Wanted:
    """A word that is looked for."""

    length: int
    """Characters: the longer, the rarer as a rule."""
    kept: Sequence[str]
    """What it may be kept as: under each key."""


def wanted(seal: Seal, text: str) -> list[Wanted]:
    """The words of a text, to be looked for."""
    return [Wanted(len(word), [_kept(digest) for digest in seal.digests(_purpose(word))]) for word in words(text)]


def _purpose(word: str) -> bytes:
    # Half a surrogate pair is no text.
    return b"word of an error\n" + word.encode(errors="replace")


def _kept(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()
