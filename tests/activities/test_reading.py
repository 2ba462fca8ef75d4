"""What is made of bytes from outside."""

import json
import math
import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities import reading
from activities.errors import ReplyUnreadable

HOLE = "\N{REPLACEMENT CHARACTER}"
any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def as_kept(value: Any) -> Any:
    """The same, said slowly."""
    match value:
        case dict():
            return {as_kept(key): as_kept(item) for key, item in value.items()}
        case list():
            return [as_kept(item) for item in value]
        case str():
            return re.sub("[\0\ud800-\udfff]", HOLE, value)
        case int() if not isinstance(value, bool) and abs(value) > 2**53:
            return str(value)
        case _:
            return value


@given(any_json)
def test_json_is_kept_as_it_is_but_for_large_integers_and_nul(value: Any) -> None:
    assert reading.json(json.dumps(value).encode()) == as_kept(value)
    assert reading.json(json.dumps(value, ensure_ascii=False).encode()) == as_kept(value)


PIECES = ["\\", "\ud83d", "\ude00", "\0", "u", "d800", '"', "a"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_surrogate_stands_alone_and_no_nul_comes_through(text: str) -> None:
    read = reading.json(json.dumps([text, {text: 1}]).encode())
    paired = text.replace("\ud83d\ude00", "\U0001f600")
    assert read == as_kept([paired, {paired: 1}])


@given(st.binary(max_size=200))
def test_any_bytes_are_either_json_or_unreadable(content: bytes) -> None:
    with suppress(ReplyUnreadable):
        json.dumps(reading.json(content), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "content",
    [b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"[1, 1E+400]", b"{", b"1 2", b"01", b'"\xff"', b"'a'", b"[" * 300],
)
def test_what_only_looks_like_json_is_unreadable(content: bytes) -> None:
    with pytest.raises(ReplyUnreadable):
        reading.json(content)


def test_nothing_is_null_and_a_byte_order_mark_is_no_content() -> None:
    assert reading.json(b"") is None
    assert reading.json(b" \n") is None
    assert reading.json(b"\xef\xbb\xbf[1]") == [1]


def test_of_a_key_given_twice_the_last_one_counts() -> None:
    assert reading.json(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "content", [b'["' + rb"\\" * 1_000_000 + rb"\ud800" + b'"]', b"[" + b"9" * 16 + b",1" * 999_000 + b"]"]
)
def test_awkward_megabytes_are_read_in_a_moment(content: bytes) -> None:
    started = time.perf_counter()
    reading.json(content)
    assert time.perf_counter() - started < 5


@given(st.text())
def test_text_comes_through_in_every_charset_that_can_write_it(text: str) -> None:
    for charset in sorted(reading.CHARSETS):
        try:
            written = text.encode(charset)
            if written.decode(charset) != text:
                continue
        except UnicodeError:
            continue
        assert reading.text(written, f'text/plain; charset="{charset.upper()}"') == text.replace("\0", HOLE)


@given(st.binary(max_size=100), st.text(max_size=30))
def test_any_bytes_of_any_charset_become_text(content: bytes, charset: str) -> None:
    text = reading.text(content, f"text/plain; charset={charset}")
    assert "\0" not in text
    text.encode()


def test_a_charset_that_is_no_charset_is_taken_for_utf_8() -> None:
    for charset in ("zlib", "rot13", "punycode", "unicode_escape", "utf-7", "nonsense"):
        assert reading.text("é".encode(), f"text/plain; charset={charset}") == "é"


def test_media_types_are_told_apart() -> None:
    for kind in ("application/json", "Application/JSON; charset=utf-8", "application/problem+json", "text/json"):
        assert reading.is_json(kind)
    for kind in ("text/html", "application/jsonp", "application/json-seq", ""):
        assert not reading.is_json(kind)
    for kind in ("text/html; charset=x", "text/csv", "application/xml", "application/atom+xml"):
        assert reading.is_text(kind)
    for kind in ("application/pdf", "image/png", "application/octet-stream", ""):
        assert not reading.is_text(kind)


def test_no_float_that_json_cannot_write_comes_through() -> None:
    read = reading.json(b"[1e308, 5e-324, 1.7976931348623157e308]")
    assert isinstance(read, list)
    assert all(isinstance(number, float) and math.isfinite(number) for number in read)
