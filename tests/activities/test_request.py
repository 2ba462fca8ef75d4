"""http.request, against a real server on loopback."""

import asyncio
import base64
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import JsonValue

from activities.errors import ActivityError
from activities.http.request import TYPE
from dag.activity_type import Traits
from tests.activities.contexts import contexts
from tests.activities.http_server import Answer, Request, Server, json_reply, reply, serving, zipped


async def asked(answer: Answer | bytes, **config: JsonValue) -> tuple[Any, Server]:
    async with serving(answer) as server, contexts() as (context, _):
        return await TYPE.attempt({"url": f"{server.url}/a", **config}, context), server


async def failure(answer: Answer | bytes, *, timeout: float = 10.0, **config: JsonValue) -> ActivityError:
    async with serving(answer) as server, contexts(timeout) as (context, _):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"url": f"{server.url}/a?key=hidden", **config}, context)
        assert "hidden" not in caught.value.message
        return caught.value


async def sent(**config: JsonValue) -> Request:
    _, server = await asked(reply(), **config)
    return server.requests[0]


# What is sent


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_is_sent_and_those_that_change_something_carry_the_idempotency_key(method: str) -> None:
    request = await sent(method=method)
    assert request.method == method
    assert request.header("idempotency-key") == (None if method in ("GET", "HEAD", "OPTIONS") else "0123-abc")


async def test_an_idempotency_key_of_the_authors_goes_before_ours() -> None:
    request = await sent(method="POST", headers={"idempotency-KEY": "mine"})
    assert [value for name, value in request.headers if name.lower() == "idempotency-key"] == ["mine"]


async def test_a_body_is_sent_as_json() -> None:
    request = await sent(method="POST", body={"a": [1, "é", None], "b": 12345678901234567890})
    assert request.body == '{"a":[1,"é",null],"b":12345678901234567890}'.encode()
    assert request.header("content-type") == "application/json"


async def test_the_author_may_say_what_kind_of_json_a_body_is() -> None:
    request = await sent(method="POST", body=[], headers={"Content-Type": "application/vnd.api+json"})
    assert [value for name, value in request.headers if name.lower() == "content-type"] == ["application/vnd.api+json"]


@pytest.mark.parametrize("body", [False, 0, "", [], {}])
async def test_a_body_that_is_empty_or_false_is_still_a_body(body: JsonValue) -> None:
    assert (await sent(method="POST", body=body)).header("content-type") == "application/json"


async def test_a_form_is_url_encoded() -> None:
    request = await sent(method="POST", form={"a b": "é&=", "n": [1, 2.0, 2.5], "t": True, "no": None})
    assert request.body == b"a+b=%C3%A9%26%3D&n=1&n=2&n=2.5&t=true"
    assert request.header("content-type") == "application/x-www-form-urlencoded"


async def test_a_multipart_form_is_the_same_in_every_attempt() -> None:
    fields: JsonValue = {'a"\r\n': "x", "b": ["1", 2]}
    first, second = [await sent(method="POST", multipart=fields) for _ in range(2)]
    assert first.body == second.body
    boundary = (first.header("content-type") or "").partition("boundary=")[2]
    parts = first.body.decode().split(f"--{boundary}")
    assert [part.partition("\r\n\r\n")[2].strip() for part in parts[1:-1]] == ["x", "1", "2"]
    assert 'name="a%22%0D%0A"' in parts[1]


async def test_a_raw_body_is_sent_byte_for_byte() -> None:
    content = bytes(range(256))
    encoded = base64.b64encode(content).decode()
    request = await sent(method="PUT", raw={"base64": encoded, "content_type": "image/x"})
    assert (request.body, request.header("content-type")) == (content, "image/x")
    assert (await sent(method="PUT", raw={"text": "é"})).body == "é".encode()


async def test_the_query_is_added_to_what_the_address_has() -> None:
    async with serving(reply()) as server, contexts() as (context, _):
        url = f"{server.url}/a%20b?x=%2F+1"
        await TYPE.attempt({"url": url, "query": {"y": ["1", 2], "z": None, "ü": "a b"}}, context)
        assert server.requests[0].target == "/a%20b?x=%2F+1&y=1&y=2&%C3%BC=a+b"


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "basic", "username": "u", "password": "é:"}, "authorization", "Basic dTrDqTo="),
        ({"type": "bearer", "token": "t0"}, "authorization", "Bearer t0"),
        ({"type": "api_key", "name": "X-Key", "value": "k0"}, "x-key", "k0"),
    ],
)
async def test_auth_goes_into_a_header(auth: JsonValue, header: str, value: str) -> None:
    assert (await sent(auth=auth)).header(header) == value


async def test_a_key_in_the_query_is_sent_but_not_given_in_the_output() -> None:
    auth: JsonValue = {"type": "api_key", "name": "key", "value": "k0", "place": "query"}
    output, server = await asked(reply(), auth=auth, query={"a": 1})
    assert server.requests[0].target == "/a?a=1&key=k0"
    assert output["url"] == f"{server.url}/a?a=1"


@pytest.mark.parametrize("where", ["header", "body"])
async def test_client_credentials_fetch_a_token_that_is_concealed(where: str) -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(json_reply(b'{"access_token": "t0", "expires_in": 9}') if request.target == "/token" else reply())

    async with serving(answer) as server, contexts() as (context, told):
        auth: JsonValue = {
            "type": "client_credentials",
            "token_url": f"{server.url}/token",
            "client_id": "me:&",
            "client_secret": "s",
            "scope": "a b",
            "send": where,
        }
        output = await TYPE.attempt({"url": f"{server.url}/a", "auth": auth}, context)
        token, request = server.requests
        assert request.header("authorization") == "Bearer t0"
        if where == "header":
            assert token.header("authorization") == "Basic " + base64.b64encode(b"me%3A%26:s").decode()
            assert token.body == b"grant_type=client_credentials&scope=a+b"
        else:
            assert token.header("authorization") is None
            assert token.body == b"grant_type=client_credentials&scope=a+b&client_id=me%3A%26&client_secret=s"
        assert told.concealed == ["t0"]
        assert "t0" not in str(output)


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (json_reply(b'{"error": "invalid_client"}', 401), "http.401", False),
        (json_reply(b"{}", 503), "http.503", True),
        (json_reply(b"{}"), "http.unreadable", False),
        (json_reply(b'{"access_token": "a\\r\\nX: y"}'), "http.unreadable", False),
    ],
)
async def test_a_token_that_is_refused_fails_the_step(answer: bytes, code: str, *, retryable: bool) -> None:
    async with serving(answer) as server, contexts() as (context, _):
        auth: JsonValue = {
            "type": "client_credentials",
            "token_url": f"{server.url}/token",
            "client_id": "me",
            "client_secret": "hidden",
        }
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"url": f"{server.url}/a", "auth": auth}, context)
        assert (caught.value.code, caught.value.retryable) == (code, retryable)
        assert [request.target for request in server.requests] == ["/token"]


# What comes back


@pytest.mark.parametrize(
    ("answer", "accept", "body"),
    [
        (json_reply(b'{"a": 1}'), "auto", {"a": 1}),
        (reply(200, b'{"a": 1}', "Content-Type: application/problem+json; charset=utf-8"), "auto", {"a": 1}),
        (json_reply(b'{"a": 1}'), "text", '{"a": 1}'),
        (reply(200, b'{"a": 1}', "Content-Type: text/plain"), "auto", '{"a": 1}'),
        (reply(200, b'{"a": 1}', "Content-Type: text/plain"), "json", {"a": 1}),
        (reply(200, b"\xe9", "Content-Type: text/plain; charset=ISO-8859-1"), "auto", "é"),
        (reply(200, b"\xe9", "Content-Type: text/plain"), "auto", "\N{REPLACEMENT CHARACTER}"),
        (json_reply(b'[9007199254740993, "\\ud800", "\\u0000"]'), "auto", ["9007199254740993", "�", "�"]),
        (reply(204), "auto", None),
        (reply(204), "json", None),
        (reply(204), "text", ""),
        (json_reply(b""), "auto", None),
        (zipped(b'{"a": 1}', "Content-Type: application/json"), "auto", {"a": 1}),
    ],
)
async def test_a_body_is_given_as_asked_for(answer: bytes, accept: str, body: JsonValue) -> None:
    output, _ = await asked(answer, accept=accept)
    assert output["body"] == body


@pytest.mark.parametrize(
    ("answer", "accept", "media_type"),
    [
        (reply(200, b"%PDF\0", "Content-Type: application/pdf; x=y"), "auto", "application/pdf"),
        (reply(200, b"%PDF\0"), "auto", "application/octet-stream"),
        (json_reply(b"%PDF\0"), "reference", "application/json"),
    ],
)
async def test_content_that_is_no_text_is_stored_and_named(answer: bytes, accept: str, media_type: str) -> None:
    async with serving(answer) as server, contexts() as (context, told):
        output: Any = await TYPE.attempt({"url": server.url, "accept": accept}, context)
        assert output["body"] == {"reference": "stored-1", "media_type": media_type, "size": 5}
        assert told.stored == [(b"%PDF\0", media_type)]


@pytest.mark.parametrize("accept", ["auto", "json"])
@pytest.mark.parametrize("body", [b"{", b"NaN", b"<html>", b'"\xff"', b"[" * 500])
async def test_json_that_is_none_is_unreadable(body: bytes, accept: str) -> None:
    error = await failure(json_reply(body), accept=accept)
    assert (error.code, error.retryable) == ("http.unreadable", False)


async def test_repeated_headers_are_joined_and_cookies_stand_on_lines() -> None:
    output, _ = await asked(reply(200, b"", "X-A: 1", "x-a: 2", "Set-Cookie: a=1, x", "Set-Cookie: b=2"))
    assert output["headers"]["x-a"] == "1, 2"
    assert output["headers"]["set-cookie"] == "a=1, x\nb=2"


async def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request() -> None:
    async with serving(reply(200, b"", "Set-Cookie: session=1; Path=/")) as server, contexts() as (context, _):
        for _ in range(2):
            await TYPE.attempt({"url": server.url}, context)
        assert server.requests[1].header("cookie") is None


async def test_the_log_tells_what_happened_without_the_query() -> None:
    async with serving(reply(200, b"hey")) as server, contexts() as (context, told):
        await TYPE.attempt({"url": f"{server.url}/a?key=hidden"}, context)
        assert told.lines == [f"GET {server.url}/a: 200, 3 bytes"]


# Statuses


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 451, 501, 505, 599])
async def test_a_status_that_stays_the_same_is_not_retried(status: int) -> None:
    error = await failure(reply(status, b"no", "Content-Type: text/plain", "Retry-After: 5"))
    assert (error.code, error.retryable, error.retry_after) == (f"http.{status}", False, None)
    assert error.details == {"status": status, "body": "no"}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_status_that_may_pass_is_retried_no_sooner_than_asked(status: int) -> None:
    error = await failure(json_reply(b'{"why": 1}', status, "Retry-After: 5"))
    assert (error.code, error.retryable, error.retry_after) == (f"http.{status}", True, 5.0)
    assert error.details == {"status": status, "body": {"why": 1}}
    assert error.value().code == f"http.{status}"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("99999999999999999999", 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 31 Dec 9998 23:59:59 GMT", 3600),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("Sun, 06 Nov 1994", None),
        ("", None),
    ],
)
async def test_retry_after_is_read_in_both_forms_and_capped(value: str, seconds: float | None) -> None:
    assert (await failure(reply(503, b"", f"Retry-After: {value}"))).retry_after == seconds


async def test_retry_after_a_date_is_the_time_until_then() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = (await failure(reply(503, b"", f"Retry-After: {date}"))).retry_after
    assert seconds is not None
    assert 60 < seconds <= 90


async def test_only_the_beginning_of_a_long_error_is_kept() -> None:
    error = await failure(reply(400, b"x" * 100_000, "Content-Type: text/html"))
    assert error.details == {"status": 400, "body": "x" * 8192}
    assert (await failure(json_reply(b"{", 400))).details == {"status": 400, "body": "{"}
    assert (await failure(reply(400, b"\0\1"))).details == {"status": 400, "body": None}


async def test_the_author_says_which_statuses_count_as_success() -> None:
    assert (await asked(reply(404), expect=[200, 404]))[0]["status"] == 404
    assert (await asked(reply(503), expect=["5xx"]))[0]["status"] == 503
    assert (await failure(reply(200), expect=[404])).code == "http.200"


# Redirects


def redirecting(to: str, status: int = 302) -> Answer:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        at = request.target.split("?")[0]
        writer.write(reply(status, b"", f"Location: {to}") if at == "/a" else reply(200, b"there"))

    return answer


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
        (301, "GET", "GET"),
        (303, "HEAD", "HEAD"),
    ],
)
async def test_redirects_change_the_method_as_browsers_do(status: int, method: str, then: str) -> None:
    body: JsonValue = None if method in ("GET", "HEAD") else {"x": 1}
    output, server = await asked(redirecting("/b?x=1", status), method=method, body=body, headers={"X-Mine": "1"})
    first, second = server.requests
    assert (second.method, second.target, second.header("x-mine")) == (then, "/b?x=1", "1")
    kept = method == then
    assert second.body == (first.body if kept else b"")
    assert second.header("content-type") == (first.header("content-type") if kept else None)
    assert second.header("idempotency-key") == (first.header("idempotency-key") if kept else None)
    assert output["url"] == f"{server.url}/b?x=1"


async def test_another_origin_gets_no_credentials() -> None:
    async with serving(reply()) as other:
        _, server = await asked(
            redirecting(f"{other.url}/b", 307),
            method="POST",
            body={},
            auth={"type": "api_key", "name": "X-Key", "value": "k0"},
            headers={"Authorization": "t0", "Cookie": "c0", "X-Mine": "m0", "Accept-Language": "de"},
        )
    names = {name.lower() for name, _ in other.requests[0].headers}
    assert names.isdisjoint({"authorization", "cookie", "x-mine", "x-key"})
    assert other.requests[0].header("accept-language") == "de"
    assert other.requests[0].header("idempotency-key") == "0123-abc"
    assert other.requests[0].header("host") == f"127.0.0.1:{other.port}"
    assert server.requests[0].header("x-key") == "k0"


async def test_one_redirect_too_many_is_the_answer() -> None:
    error = await failure(reply(302, b"", "Location: /a"), follow=2)
    assert (error.code, error.retryable) == ("http.302", False)
    _, server = await asked(reply(302, b"", "Location: /a"), follow=2, expect=["3xx"])
    assert len(server.requests) == 3
    output, server = await asked(redirecting("/b"), follow=0, expect=[302])
    assert output["headers"]["location"] == "/b"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "to",
    [
        "ftp://127.0.0.1/x",
        "http://[bad/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:port/",
        "file:///etc/passwd",
        "http://u:p@127.0.0.1/",
        "javascript:alert(1)",
    ],
)
async def test_no_redirect_leads_away_from_http_or_hides_a_password(to: str) -> None:
    assert (await failure(redirecting(to))).code == "http.302"


@pytest.mark.parametrize(
    "to", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "http://2130706433/"]
)
async def test_a_redirect_to_an_inner_address_is_denied(to: str) -> None:
    error = await failure(redirecting(to))
    assert (error.code, error.retryable) == ("egress.denied", False)


# Bounds


@pytest.mark.parametrize("answer", [reply(200, b"x" * 1001), zipped(b"x" * 1001)], ids=["plain", "zipped"])
async def test_a_body_beyond_the_limit_is_too_large(answer: bytes) -> None:
    error = await failure(answer, max_bytes=1000)
    assert (error.code, error.retryable) == ("payload.too_large", False)
    assert (await asked(answer, max_bytes=1001, accept="text"))[0]["body"] == "x" * 1001


async def test_a_gzip_bomb_is_stopped_at_the_limit() -> None:
    async def bomb(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(zipped(b"\0" * (64 << 20)))

    started = time.perf_counter()
    assert (await failure(bomb)).code == "payload.too_large"
    assert time.perf_counter() - started < 5


async def test_bytes_that_unpack_to_nothing_count_too() -> None:
    packed = zipped(b"x").partition(b"\r\n\r\n")[2]
    trailing = reply(200, packed + b"\0" * 5000, "Content-Encoding: gzip")
    assert (await failure(trailing, max_bytes=1000)).code in ("payload.too_large", "http.network")
    empty = zipped(b"").partition(b"\r\n\r\n")[2]
    assert (
        await failure(reply(200, empty * 500, "Content-Encoding: gzip"), max_bytes=1000)
    ).code == "payload.too_large"


async def test_endless_bodies_are_stopped_at_the_limit() -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    assert (await failure(endless)).code == "payload.too_large"


async def test_two_zipped_files_in_a_row_are_one_body() -> None:
    parts = b"".join(zipped(part).partition(b"\r\n\r\n")[2] for part in (b"one ", b"two"))
    assert (await asked(reply(200, parts, "Content-Encoding: gzip"), accept="text"))[0]["body"] == "one two"


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, b"no gzip", "Content-Encoding: gzip"),
        reply(200, zipped(b"x" * 5000).partition(b"\r\n\r\n")[2][:-4], "Content-Encoding: gzip"),
        reply(200, b"x", "Content-Encoding: br"),
    ],
    ids=["no gzip", "cut off", "unknown"],
)
async def test_a_body_that_cannot_be_unpacked_is_an_error_of_the_network(answer: bytes) -> None:
    error = await failure(answer)
    assert (error.code, error.retryable) == ("http.network", True)


async def test_an_answer_that_drips_ends_with_the_attempt() -> None:
    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.perf_counter()
    error = await failure(drip, timeout=0.5)
    assert (error.code, error.retryable) == ("timeout.attempt", True)
    assert time.perf_counter() - started < 3


async def test_a_server_that_never_answers_ends_with_the_attempt() -> None:
    async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    error = await failure(silent, timeout=0.3)
    assert (error.code, error.retryable) == ("timeout.attempt", True)


async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxx")
    await writer.drain()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        b"",
        b"SSH-2.0-nothing\r\n",
        reply(200, b"x", length=100),
        reply(200, b"", "X-Long: " + "x" * 200_000),
        reply(200, b"", *(f"X-{number}: {'x' * 100}" for number in range(2000))),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["reset", "silence", "ssh", "cut off", "a long header", "many headers", "bad chunks"],
)
async def test_a_broken_answer_is_an_error_of_the_network(answer: Answer | bytes) -> None:
    error = await failure(answer)
    assert (error.code, error.retryable) == ("http.network", True)


async def test_a_refused_connection_is_an_error_of_the_network() -> None:
    async with serving(b"") as server:
        url = server.url
    async with contexts() as (context, _):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"url": f"{url}/a?key=hidden"}, context)
    assert (caught.value.code, caught.value.retryable) == ("http.network", True)
    assert caught.value.message == f"{url}/a could not be reached, or broke off: connection refused."


async def test_a_server_without_tls_is_an_error_of_the_network() -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply(400))
        writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with listener, contexts() as (context, _):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"url": f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"}, context)
        assert caught.value.code == "http.network"


async def test_a_cancelled_request_lets_the_connection_go() -> None:
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def wait(request: Request, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        with suppress(ConnectionError):
            for _ in range(500):
                writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
            return
        closed.set()

    async with serving(wait) as server, contexts() as (context, _):
        task = asyncio.create_task(TYPE.attempt({"url": server.url}, context))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await closed.wait()


# Configs

BAD: list[dict[str, JsonValue]] = [
    {},
    {"url": "example.com"},
    {"url": "//example.com"},
    {"url": "ftp://example.com"},
    {"url": "file:///etc/passwd"},
    {"url": "http://"},
    {"url": "http:///path"},
    {"url": "http://hidden:hidden@example.com"},
    {"url": "http://hidden@example.com"},
    {"url": "http://exa mple.com/hidden"},
    {"url": "http://example.com:99999"},
    {"url": "http://example.com:0"},
    {"url": "http://example.com:hidden"},
    {"url": "http://example.com/\r\nX: hidden"},
    {"url": "http://a..b/"},
    {"url": "http://0177.0.0.1/"},
    {"url": "http://[::1/"},
    {"url": "http://example.com\\@hidden/"},
    {"url": "http://x/" + "hidden" * 20_000},
    {"url": 5},
    {"method": "TRACE"},
    {"method": "get"},
    {"headers": {"X-A": "hidden\r\nX-B: 1"}},
    {"headers": {"X-A": "hidden\n"}},
    {"headers": {"X-A": "hid\0den"}},
    {"headers": {"X A": "hidden"}},
    {"headers": {"": "hidden"}},
    {"headers": {"X-É": "hidden"}},
    {"headers": {"X:": "hidden"}},
    {"headers": {"Host": "hidden"}},
    {"headers": {"transfer-encoding": "chunked"}},
    {"headers": {"Content-Length": 5}},
    {"headers": {"Connection": "close"}},
    {"headers": {"Proxy-Authorization": "hidden"}},
    {"headers": {"X-A": ["hidden"]}},
    {"headers": {"X-A": None}},
    {"query": {"a": {"b": "hidden"}}},
    {"body": {}, "form": {"a": "hidden"}},
    {"form": {}, "raw": {"text": "hidden"}},
    {"raw": {}},
    {"raw": {"text": "hidden", "base64": "aGlkZGVu"}},
    {"raw": {"base64": "hidden!"}},
    {"raw": {"text": "", "content_type": "a\r\nb"}},
    {"auth": {"type": "basic", "username": "a:hidden", "password": "hidden"}},
    {"auth": {"type": "bearer", "token": "hidden\n"}},
    {"auth": {"type": "digest", "password": "hidden"}},
    {"auth": {"type": "bearer", "token": "hidden", "more": "hidden"}},
    {"auth": {"type": "client_credentials", "token_url": "ftp://x", "client_id": "", "client_secret": "hidden"}},
    {"expect": []},
    {"expect": [99]},
    {"expect": ["7xx"]},
    {"follow": 21},
    {"follow": -1},
    {"follow": "1"},
    {"max_bytes": 0},
    {"max_bytes": 20 * 1024 * 1024 + 1},
    {"accept": "xml"},
    {"timeout": 5},
    {"body": "\ud800"},
]


@pytest.mark.parametrize("config", BAD, ids=[str(config)[:60].encode("ascii", "replace").decode() for config in BAD])
async def test_a_bad_config_is_told_without_repeating_it_and_nothing_is_sent(config: dict[str, JsonValue]) -> None:
    async with serving(reply()) as server, contexts() as (context, _):
        given: JsonValue = config if not config or "url" in config else {"url": server.url, **config}
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt(given, context)
        assert (caught.value.code, caught.value.retryable) == ("config.invalid", False)
        assert "hidden" not in caught.value.message + str(caught.value.details)
        assert server.connections == 0


async def test_a_bad_config_is_told_by_place() -> None:
    async with contexts() as (context, _):
        with pytest.raises(ActivityError) as caught:
            await TYPE.attempt({"url": "x", "auth": {"type": "bearer", "token": "\n"}}, context)
    assert isinstance(caught.value.details, list)
    paths = [problem["path"] for problem in caught.value.details if isinstance(problem, dict)]
    assert paths == ["/url", "/auth/bearer/token"]


async def test_what_is_odd_but_right_is_sent() -> None:
    request = await sent(headers={"X-A": "  padded\t", "X-É"[:2] + "B": 5, "x-c": "é"})
    assert request.header("x-a") == "padded"
    assert request.header("x-b") == "5"
    assert request.header("x-c") == "é".encode().decode("latin-1")


@pytest.mark.parametrize(
    ("config", "traits"),
    [
        ({}, Traits(effects=False, repeatable=True)),
        ({"method": "GET"}, Traits(effects=False, repeatable=True)),
        ({"method": "HEAD"}, Traits(effects=False, repeatable=True)),
        ({"method": "OPTIONS"}, Traits(effects=False, repeatable=True)),
        ({"method": "PUT"}, Traits(effects=True, repeatable=True)),
        ({"method": "DELETE"}, Traits(effects=True, repeatable=True)),
        ({"method": "POST"}, Traits(effects=True, repeatable=False)),
        ({"method": "PATCH"}, Traits(effects=True, repeatable=False)),
        ({"method": "${{ input.method }}"}, Traits(effects=True, repeatable=False)),
        ({"method": ["GET"]}, Traits(effects=True, repeatable=False)),
    ],
)
def test_the_method_says_whether_there_are_effects(config: dict[str, JsonValue], traits: Traits) -> None:
    assert TYPE.traits(config) == traits
