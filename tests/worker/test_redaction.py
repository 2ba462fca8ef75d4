"""What is left of a secret in a text, a log and an output: nothing."""

import io
import json
import logging
import string
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.redaction import HIDDEN, RedactingFormatter, Redaction, current

SECRETS = st.text(st.characters(codec="utf-8"), min_size=4, max_size=40)
AROUND = st.binary(max_size=8)


@given(SECRETS, st.text(max_size=10), st.text(max_size=10))
def test_a_secret_never_stays_in_a_text(secret: str, before: str, after: str) -> None:
    hidden = Redaction([secret])(before + secret + after)
    assert HIDDEN in hidden
    assert secret not in hidden or secret in before + HIDDEN + after or HIDDEN in secret


@given(SECRETS, AROUND, AROUND)
def test_base64_of_what_holds_a_secret_never_shows_it(secret: str, before: bytes, after: bytes) -> None:
    whole = before + secret.encode() + after
    for encode in (b64encode, urlsafe_b64encode):
        for code in (encode(whole).decode(), encode(whole).decode().rstrip("=")):
            hidden = Redaction([secret])(code)
            assert HIDDEN in hidden
            # What is left is what stands beside the secret, without the characters that share bits with it.
            assert len(hidden.replace(HIDDEN, "").rstrip("=")) <= (len(before) + len(after)) * 8 // 6 + 1


@given(SECRETS)
def test_a_secret_is_found_however_a_url_or_json_writes_it(secret: str) -> None:
    redact = Redaction([secret])
    written = [quote(secret), quote(secret, safe=""), quote(secret, safe="!$&'()*+,;=:@/~"), quote_plus(secret)]
    written += [quote(secret, safe="").lower()] if not any(c in string.ascii_uppercase for c in secret) else []
    written += [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    for text in written:
        assert redact(f"[{text}]") == f"[{HIDDEN}]"


def test_a_basic_authorisation_header_is_hidden_up_to_the_password() -> None:
    header = "Basic " + b64encode(b"admin:tr0ub4dor&3").decode()
    assert Redaction(["tr0ub4dor&3"])(header) == f"Basic {b64encode(b'admin:')[:8].decode()}{HIDDEN}"


def test_of_a_short_secret_only_whole_words_are_hidden() -> None:
    redact = Redaction(["at"])
    assert redact("at that time at=at") == f"{HIDDEN} that time {HIDDEN}={HIDDEN}"


def test_one_secret_within_another_hides_both() -> None:
    assert Redaction(["abcd", "abcdefgh"])("abcdefgh abcd") == f"{HIDDEN} {HIDDEN}"


def test_an_empty_secret_hides_nothing() -> None:
    redact = Redaction([""])
    assert redact("text") == "text"
    assert not redact


def test_what_is_learnt_later_is_hidden_too() -> None:
    redact = Redaction()
    redact.add("t0ken-value")
    assert redact("t0ken-value") == HIDDEN


def test_content_that_is_no_text_keeps_every_other_byte() -> None:
    assert Redaction(["secret"]).content(b"\xff\x00secret\xfe") == b"\xff\x00***\xfe"
    assert Redaction().content(b"\xff") == b"\xff"


@pytest.mark.parametrize("where", ["message", "argument", "traceback"])
def test_the_process_log_shows_no_secret_of_the_attempt_that_runs(where: str) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter(logging.Formatter("%(message)s")))
    logger = logging.getLogger("any library")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [handler]
    token = current.set(Redaction(["s3cr3t-key"]))
    try:
        match where:
            case "message":
                logger.info("GET /?key=s3cr3t-key")
            case "argument":
                logger.info("GET %s", "/?key=s3cr3t-key")
            case _:
                try:
                    raise ValueError("s3cr3t-key")
                except ValueError:
                    logger.exception("failed")
    finally:
        current.reset(token)
    assert HIDDEN in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue().replace('raise ValueError("s3cr3t-key")', "")
