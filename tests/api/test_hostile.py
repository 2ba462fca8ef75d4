"""What nobody means well is refused clearly, and costs little."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from api import bodies
from tests.api.service import Api, Caller
from tests.api.test_workflows import YAML, code, definition, made

JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024


NO_DOCUMENTS = [
    (b"", "syntax"),
    (b"{", "syntax"),
    (b'{"name": "a", "name": "b"}', "duplicate_key"),
    (b'{"name": "a\x00b"}', "syntax"),
    (b'{"name": "a", "title": "\\u0000"}', "not_accepted"),
    (b'{"name": "a", "title": "\\ud800"}', "not_accepted"),
    (b'{"name": "a", "\\udc00": 1}', "not_accepted"),
    (b'{"name": "\xff"}', "not_accepted"),
    (b"\xff\xfe{\x00}\x00", "not_accepted"),
    (b'{"name": "a", "vars": {"n": 1e999}}', "number_range"),
    (b'{"name": "a", "vars": {"n": NaN}}', "number_range"),
    (b'{"name": "a", "vars": {"n": 99999999999999999999999}}', "number_range"),
    (b"[" * 100_000, "limit"),
    (b'{"a":' * 300 + b"1" + b"}" * 300, "limit"),
]


async def test_text_that_is_no_document_is_refused_with_its_place(me: Caller) -> None:
    for text, problem in NO_DOCUMENTS:
        answer = await me.http.post("/workflows", content=text, headers=JSON)
        assert code(answer) == (422, "document.invalid"), text[:100]
        assert problem in {flaw["code"] for flaw in answer.json()["problems"]}, text[:100]
        other = await me.http.put("/secrets/x", content=text, headers=JSON)
        assert code(other) == (422, "request.invalid"), text[:100]


NO_YAML = [
    "!!python/object/apply:os.system ['id']",
    "&a [*a]",
    "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "\n".join(f"{key}: &{key} [{', '.join([f'*{chr(ord(key) - 1)}'] * 10)}]" for key in "bcdefghi"),
    "a: 1\n---\nb: 1",
    "a: 1\na: 2",
    "{" * 10_000,
]


async def test_yaml_that_is_more_than_a_document_is_refused(me: Caller) -> None:
    for text in NO_YAML:
        assert code(await me.http.post("/workflows", content=text, headers=YAML)) == (422, "document.invalid")


async def test_a_body_says_what_it_is(me: Caller) -> None:
    text = json.dumps(definition())
    for headers in (
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {**JSON, "Content-Encoding": "gzip"},
    ):
        assert code(await me.http.post("/workflows", content=text, headers=headers)) == (415, "body.unsupported")
    assert code(await me.http.put("/secrets/x", content="value: x", headers=YAML)) == (415, "body.unsupported")
    fine = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert (await me.http.post("/workflows", content=text, headers=fine)).status_code == 201


async def test_what_must_stand_once_in_the_head_is_refused_twice(me: Caller) -> None:
    await made(me)
    for method, path, name, values in [
        ("POST", "/workflows/greeting/executions", "Idempotency-Key", ("a", "b")),
        ("PUT", "/workflows/greeting/draft", "If-Match", ('"1"', "*")),
        ("POST", "/workflows", "Content-Type", ("application/json", "application/yaml")),
        ("GET", "/workflows", "Authorization", (f"Bearer {me.key}", "Bearer x")),
    ]:
        headers = [(name, value) for value in values]
        headers += [(key, value) for key, value in me.http.headers.items() if key.lower() != name.lower()]
        async with httpx2.AsyncClient(base_url=me.http.base_url, trust_env=False) as http:
            answer = await http.request(method, path, content=json.dumps(definition()), headers=headers)
        assert code(answer) == (422, "request.invalid"), name
        assert [flaw["path"] for flaw in answer.json()["problems"]] == [f"/{name.lower()}"]


async def test_a_body_with_very_many_mistakes_is_not_answered_with_all_of_them(me: Caller) -> None:
    many = {f"k{n}": 1 for n in range(100_000)}
    for body in (many, {"labels": many}, {"k" * 100_000: 1}):
        answer = await me.http.patch("/workflows/greeting", json=body)
        assert code(answer) == (422, "request.invalid")
        assert len(answer.content) < 10_000


async def test_a_large_body_is_refused_before_it_has_come(api: Api, me: Caller) -> None:
    for path, kind in (("/workflows", JSON), ("/workflows", YAML), ("/secrets/x", JSON)):
        method = "PUT" if path == "/secrets/x" else "POST"
        whole = await me.http.request(method, path, content=b" " * 50 * MEGABYTE, headers=kind)
        assert code(whole) == (413, "body.too_large")
    streamed = await me.http.post("/workflows", content=blanks(50), headers=JSON)
    assert code(streamed) == (413, "body.too_large")
    reader, writer = await asyncio.open_connection(*address(api))
    writer.write(head(me, "POST", "/workflows") + b"Content-Length: 50000000\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 "), "nothing of the body has been sent"
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(
    api: Api, me: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.3)
    reader, writer = await asyncio.open_connection(*address(api))
    writer.write(head(me, "POST", "/workflows") + b"Content-Length: 100\r\n\r\n{")
    answer = await asyncio.wait_for(reader.read(), 20)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body.slow" in answer
    writer.close()


async def test_bodies_that_do_not_come_hold_no_connection_to_the_database(api: Api, me: Caller) -> None:
    await made(me)
    slow: list[socket.socket] = []
    for path, method in [("/workflows", "POST"), ("/workflows/greeting/draft", "PUT"), ("/secrets/x", "PUT")] * 6:
        one = socket.create_connection(address(api))
        one.sendall(head(me, method, path) + b"Content-Length: 100\r\n\r\n{")
        slow.append(one)
    await asyncio.sleep(0.3)
    answers = await asyncio.gather(*(me.http.get("/workflows") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    for one in slow:
        one.close()


NO_CURSORS = [
    "",
    "x",
    "%00",
    "AA==",
    "é",
    "a" * 2000,
    "a" * 2001,
    base64.urlsafe_b64encode(b'"a"').decode(),
    "null",
    "\ud800",
]


async def test_a_cursor_that_is_none_is_refused(me: Caller) -> None:
    for cursor in NO_CURSORS:
        params = {"cursor": cursor.encode("utf-8", "surrogatepass")}
        answer = await me.http.get("/workflows", params=params)
        assert answer.status_code == 422
        assert answer.json()["code"] in ("cursor.invalid", "request.invalid")


async def test_a_cursor_that_was_changed_or_is_of_another_list_is_refused(me: Caller) -> None:
    for name in ("a", "b"):
        await made(me, name)
    cursor = (await me.http.get("/workflows?limit=1")).json()["next"]
    sealed = base64.urlsafe_b64decode(cursor)
    for bad in (sealed[:-1], sealed[:12], sealed[:8], b"", bytes([sealed[0] ^ 1]) + sealed[1:], sealed + b"x"):
        text = base64.urlsafe_b64encode(bad).decode()
        assert code(await me.http.get("/workflows", params={"cursor": text})) == (422, "cursor.invalid")
    other = await me.http.get("/workflows/a/versions", params={"cursor": cursor})
    assert code(other) == (422, "cursor.invalid")


NO_QUERIES = [
    *(
        "limit=0",
        "limit=501",
        "limit=5.0",
        "limit=true",
        "limit= 5",
        "limit=",
        "limit=5&limit=6",
        "limit=" + "9" * 5000,
    ),
    *("limti=5", "name=A", "name=%00", "label=" + "&label=".join("abcdefghijk"), "label=a:%00", "cursor=a&cursor=b"),
]


async def test_a_query_is_read_strictly(me: Caller) -> None:
    for query in NO_QUERIES:
        answer = await me.http.get(f"/workflows?{query}")
        assert code(answer) == (422, "request.invalid")
        assert answer.json()["problems"][0]["in"] == "query"


async def test_a_flag_is_true_or_false(me: Caller) -> None:
    for flag in ["1", "yes", "True", "", "on"]:
        assert code(await me.http.post(f"/workflows?publish={flag}", json=definition())) == (422, "request.invalid")


NO_NAMES = ["%00", "a%00b", "..%2f..%2fsecrets", "%ed%a0%80", "a" * 5000, "%F0%9F%92%A9", "'; drop table x; --", "wf_x"]


async def test_what_no_workflow_can_be_called_is_not_found_or_refused(me: Caller) -> None:
    for path in NO_NAMES:
        answer = await me.http.get(f"/workflows/{path}")
        assert answer.status_code in (404, 422)
        code(answer)


async def test_labels_in_any_characters_are_only_looked_for(me: Caller) -> None:
    for label in ("a", ":", "a:%00", "':'", "a:b:c", "$.a:1", "é:\u2028"):
        answer = await me.http.get("/workflows", params={"label": label.replace("%00", "\0")})
        assert answer.status_code in (200, 422), label


async def test_headers_guard_every_answer(api: Api, me: Caller) -> None:
    for path in ("/workflows", "/nowhere", "/health/live"):
        answer = await me.http.get(path, headers={"Origin": "https://evil.example"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "server" not in answer.headers or "uvicorn" not in answer.headers["server"]


async def test_the_log_has_a_line_for_each_request_and_no_secret(me: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="perdure.api.access"):
        await me.http.get("/workflows?cursor=hunter2")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "perdure.api.access"]
    assert line.startswith("GET /api/v1/workflows 422 ")
    assert line.endswith(me.tenant)
    assert "hunter2" not in caplog.text
    assert me.key not in caplog.text


async def test_a_problem_of_ours_shows_nothing(
    api: Api, me: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from store import workflows

    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr(workflows, "page", broken)
    answer = await me.http.get("/workflows")
    assert code(answer) == (500, "internal")
    assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text


async def test_a_client_that_goes_away_is_no_error(api: Api, me: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(httpx2.TransportError):
        await me.http.post("/workflows", content=_breaking(), headers={**JSON, "Content-Length": "100"})
    assert (await me.http.get("/workflows")).status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def address(api: Api) -> tuple[str, int]:
    host, _, port = api.url.removeprefix("http://").partition(":")
    return host, int(port)


def head(me: Caller, method: str, path: str) -> bytes:
    line = f"{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {me.key}\r\nIf-Match: *\r\n"
    return line.encode() + b"Content-Type: application/json\r\n"


async def blanks(megabytes: int) -> AsyncIterator[bytes]:
    for _ in range(megabytes):
        yield b" " * MEGABYTE


async def _breaking() -> AsyncIterator[bytes]:
    yield b"{"
    raise httpx2.ReadError("gone")
