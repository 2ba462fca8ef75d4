"""What Temporal's Web UI and command are shown: a tenant's own payloads, and no other's."""

import asyncio
import base64
import json
import sys
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx2
import pytest
from google.protobuf import json_format
from pydantic import JsonValue
from temporalio.api.common.v1 import Payload, Payloads

from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from store.database import Database
from tests.api.service import Api, Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published

UI = "http://127.0.0.1:8233"
LARGE: JsonValue = [token_hex(40) for _ in range(2_000)]
ECHO: JsonValue = {"echo": {"type": "transform", "config": {"expression": "input"}}}


@pytest.fixture
def api_settings(api_settings: Settings) -> Settings:
    return api_settings.model_copy(update={"temporal_ui_url": UI})


async def ran(me: Caller, settings: Settings, store: Database, input: JsonValue) -> list[Payload]:
    """Run an execution; gives the payloads of its input as they are in its history."""
    await published(me, definition("echo", nodes=ECHO))
    answer = await me.http.post("/workflows/echo/executions?wait=30", json={"input": input})
    assert answer.status_code == 200, answer.text
    client = await connect(settings, storage=DatabaseStorage(store), keyring=store.keyring)
    history = await client.get_workflow_handle(f"{me.tenant}/{answer.json()['id']}").fetch_history()
    return list(history.events[0].workflow_execution_started_event_attributes.input.payloads)


async def shown(caller: Caller, verb: str, payloads: list[Payload]) -> list[Payload]:
    body = json_format.MessageToDict(Payloads(payloads=payloads))
    answer = await caller.http.post(f"/codec/{verb}", json=body, headers={"X-Namespace": "default"})
    assert answer.status_code == 200, answer.text
    return list(json_format.ParseDict(answer.json(), Payloads()).payloads)


@pytest.mark.usefixtures("working")
async def test_payloads_are_opened_for_their_tenant_and_for_no_other(
    me: Caller, stranger: Caller, api_settings: Settings, store: Database
) -> None:
    payloads = await ran(me, api_settings, store, "a MARKER")
    assert b"MARKER" not in b"".join(payload.data for payload in payloads)
    for verb in ("decode", "decode?preserveStorageRefs=true", "download"):
        assert b"a MARKER" in b"".join(payload.data for payload in await shown(me, verb, payloads))
        assert await shown(stranger, verb, payloads) == payloads


@pytest.mark.usefixtures("working")
async def test_what_is_kept_outside_is_fetched_when_that_is_asked_for(
    me: Caller, stranger: Caller, api_settings: Settings, store: Database
) -> None:
    payloads = await ran(me, api_settings, store, LARGE)
    [reference] = [payload for payload in payloads if "messageType" in payload.metadata]
    assert await shown(me, "decode?preserveStorageRefs=true", [reference]) == [reference]
    for verb in ("decode", "download"):
        [opened] = await shown(me, verb, [reference])
        assert json.loads(opened.data)["input"] == LARGE
        assert await shown(stranger, verb, [reference]) == [reference]


async def test_whoever_writes_another_name_on_a_payload_opens_nothing(me: Caller, stranger: Caller) -> None:
    sealed = await shown(me, "encode", [Payload(metadata={"encoding": b"json/plain"}, data=b'"MARKER"')])
    assert b"MARKER" not in sealed[0].data
    assert [payload.data for payload in await shown(me, "decode", sealed)] == [b'"MARKER"']
    renamed = Payload.FromString(sealed[0].SerializeToString())
    renamed.metadata["perdure-tenant"] = stranger.tenant.encode()
    assert await shown(stranger, "decode", [renamed]) == [renamed]


async def test_a_reference_to_nothing_is_unknown(me: Caller) -> None:
    told: dict[str, Any] = {"driverName": "perdure", "claimData": {"tenant": me.tenant, "sha256": "0" * 64}}
    kind = b"temporal.api.sdk.v1.ExternalStorageReference"
    reference = Payload(metadata={"encoding": b"json/protobuf", "messageType": kind}, data=json.dumps(told).encode())
    body = json_format.MessageToDict(Payloads(payloads=[reference]))
    assert code(await me.http.post("/codec/download", json=body)) == (404, "payload.unknown")
    for wrong in ({"sha256": "../x"}, {"sha256": "0" * 64, "tenant": "tn_other"}):
        told["claimData"] = {"tenant": me.tenant, **wrong}
        reference.data = json.dumps(told).encode()
        assert await shown(me, "download", [reference]) == [reference]


@pytest.mark.parametrize(
    "body",
    [
        {"payloads": [{"data": "a"}]},
        {"payloads": [{"data": "%%"}]},
        {"payloads": [{"metadata": {"encoding": 5}}]},
        {"payloads": None},
        {"payload": []},
        [],
    ],
    ids=["no base64", "no letters", "a number", "null", "another name", "a list"],
)
async def test_what_is_no_payload_is_refused(me: Caller, body: JsonValue) -> None:
    assert code(await me.http.post("/codec/decode", json=body)) == (422, "request.invalid")


async def test_a_browser_that_was_given_the_key_reads_payloads_and_nothing_else(
    me: Caller, nobody: httpx2.AsyncClient
) -> None:
    sealed = await shown(me, "encode", [Payload(data=b"MARKER")])
    body = json_format.MessageToDict(Payloads(payloads=sealed))
    assert 'method="post"' in (await nobody.get("/codec/session")).text
    opened = await nobody.post("/codec/session", data={"key": me.key})
    assert "can read your payloads" in opened.text
    nobody.cookies.clear()
    cookie = opened.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/api/v1/codec;"))
    kept = {"Cookie": cookie.partition(";")[0]}
    read = await nobody.post("/codec/decode", json=body, headers=kept)
    assert json_format.ParseDict(read.json(), Payloads()).payloads[0].data == b"MARKER"
    assert code(await nobody.get("/workflows", headers=kept)) == (401, "auth.missing")
    assert code(await nobody.post("/codec/decode", json=body)) == (401, "auth.missing")


@pytest.mark.parametrize("form", ["key=pk_wrong", "", "key=%00", "%"], ids=["wrong", "nothing", "NUL", "no form"])
async def test_a_wrong_key_is_told_on_the_page(nobody: httpx2.AsyncClient, form: str) -> None:
    answer = await nobody.post("/codec/session", content=form.encode())
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert "This API key does not exist" in answer.text


async def test_only_pages_of_temporal_may_ask(me: Caller) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
    allowed = await me.http.options("/codec/decode", headers={"Origin": UI, **asks})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, UI)
    assert allowed.headers["access-control-allow-credentials"] == "true"
    refused = await me.http.options("/codec/decode", headers={"Origin": "http://evil.example", **asks})
    assert "access-control-allow-origin" not in refused.headers
    elsewhere = await me.http.options("/workflows", headers={"Origin": UI, **asks})
    assert "access-control-allow-origin" not in elsewhere.headers


@pytest.mark.usefixtures("working")
async def test_the_command_of_temporal_shows_payloads_to_the_one_who_has_the_key(
    api: Api, me: Caller, stranger: Caller, api_settings: Settings, store: Database
) -> None:
    await ran(me, api_settings, store, "a MARKER")
    id = (await me.http.get("/workflows/executions")).json()["items"][0]["id"]

    async def told(key: str) -> str:
        line = ["workflow", "show", "--workflow-id", f"{me.tenant}/{id}", "--output", "json"]
        where = ["--address", api_settings.temporal_address, "--codec-endpoint", f"{api.url}/api/v1/codec"]
        command = [str(Path(sys.executable).with_name("temporal")), *line, *where, "--codec-auth", f"Bearer {key}"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        return output.decode()

    marker = base64.b64encode(b'{"input":"a MARKER"').decode().rstrip("=")[:-1]
    assert marker in await told(me.key)
    assert marker not in await told(stranger.key)


async def test_a_size_of_nothing_comes_back_as_protobuf_writes_it(me: Caller) -> None:
    body = {"payloads": [{"externalPayloads": [{"sizeBytes": "0"}, {}]}]}
    answer = await me.http.post("/codec/decode?preserveStorageRefs=true", json=body)
    assert (answer.status_code, len(answer.json()["payloads"][0]["externalPayloads"])) == (200, 2), answer.text
