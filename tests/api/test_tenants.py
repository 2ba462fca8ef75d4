"""Nobody gets in without a key, and a key opens its own tenant only."""

import asyncio
import re
from itertools import product
from typing import Any

import httpx2
import pytest
from pydantic import JsonValue

from api.keys import FRESH
from runtime.settings import Settings
from store import tenants
from store.database import Database
from store.ids import TenantId
from store.session import session
from tests.api.service import Api, Caller, calling, serving
from tests.api.test_cache import warmed
from tests.api.test_tasks import approval, asking
from tests.api.test_workflows import code, definition
from tests.postgres import another_tenant

OPEN = {"/api/v1/health/live", "/api/v1/health/ready"}


async def operations(api: Api) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation that the API describes: method, path, description."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        document = (await http.get(f"{api.url}/api/openapi.json")).json()
    return [
        (method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def example(operation: dict[str, Any]) -> Any:
    """A body that an operation takes."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return content.get("example", {}) if content else None


async def test_without_a_key_every_address_answers_401(api: Api, nobody: httpx2.AsyncClient) -> None:
    for method, path, operation in await operations(api):
        if path in OPEN:
            continue
        answer = await nobody.request(method, api.url + re.sub(r"{\w+}", "x", path))
        assert code(answer) == (401, "auth.missing"), (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert operation["security"], (method, path)


async def test_keys_that_are_none_open_nothing(api: Api, me: Caller, nobody: httpx2.AsyncClient) -> None:
    for header, expected in {
        f"Bearer {me.key}x": "auth.invalid",
        "Bearer pk_": "auth.invalid",
        "Bearer \xff\x01": "auth.invalid",
        "Bearer": "auth.missing",
        f"Basic {me.key}": "auth.missing",
        me.key: "auth.missing",
    }.items():
        answer = await nobody.get("/workflows", headers={b"Authorization": header.encode("latin-1")})
        assert code(answer) == (401, expected), header


async def test_a_revoked_key_opens_nothing_within_seconds(me: Caller, store: Database) -> None:
    assert (await me.http.get("/workflows")).status_code == 200
    holder = await tenants.holder(store, me.key)
    assert holder is not None
    async with session(store, me.tenant) as opened:
        await tenants.revoke_key(opened, holder.key)
    await asyncio.sleep(FRESH)
    assert code(await me.http.get("/workflows")) == (401, "auth.invalid")


@pytest.mark.usefixtures("working")
async def test_what_is_another_tenants_is_found_on_no_path(api: Api, me: Caller, stranger: Caller) -> None:
    greet: JsonValue = {"type": "transform", "when": "true", "config": {"expression": "'Hello ' & input.name"}}
    document = definition(nodes={"greet": greet})
    workflow = (await me.http.post("/workflows?publish=true", json=document)).json()
    await me.http.put("/workflows/greeting/tags/live", json={"version": 1})
    await me.http.put("/secrets/token", json={"value": "x"})
    await me.http.put("/env/url", json={"value": "x"})
    execution = (await me.http.post("/workflows/greeting/executions?wait=30", json={})).json()
    await me.http.put("/workflows/greeting/tests/hello", json={})
    execution = {"id": (await me.http.post("/workflows/greeting/test", json={"version": 1})).json()["execution"]}
    mine = {
        "test": ["hello"],
        "workflow": [workflow["id"], "greeting"],
        "execution": [execution["id"]],
        "other": [execution["id"]],
        "task": [(await asking(me, approval()))[1]],
        "path": ["greet"],
        "version": ["1"],
        "tag": ["live"],
        "a": ["1"],
        "b": ["draft"],
        "output": [await warmed(me)],
        "depends_on": ["warm"],
        "node_id": ["greet"],
    }
    names = {"/api/v1/secrets/{name}": ["token"], "/api/v1/env/{name}": ["url"]}
    walked: set[str] = set()
    for method, path, operation in await operations(api):
        named = re.findall(r"{(\w+)}", path)
        if not named or path.startswith("/api/v1/activity-types") or (path in names and method == "PUT"):
            continue
        if "verb" in named:  # a result for each, which test_steering.py shows
            continue
        values = [names[path]] if path in names else [mine[one] for one in named]
        for chosen in product(*values):
            address = api.url + re.sub(r"{\w+}", "{}", path).format(*chosen)
            if path.endswith("/debug/why"):
                address += "?path=greet"
            assert method != "GET" or (await me.http.get(address)).status_code == 200, "it is there"
            answer = await stranger.http.request(method, address, json=example(operation), headers={"If-Match": "*"})
            assert answer.status_code == 404, (method, address, answer.text)
            assert code(answer)[1].endswith(".unknown")
            walked.add(f"{method} {path}")
    assert len(walked) >= 20
    assert (await me.http.get("/workflows/greeting/draft")).json()["document"] == document
    assert [each["name"] for each in (await me.http.get("/secrets")).json()["items"]] == ["token"]


async def test_two_tenants_have_the_same_names(api: Api, me: Caller, stranger: Caller) -> None:
    for caller in (me, stranger):
        assert (await caller.http.post("/workflows", json=definition())).status_code == 201
        assert len((await caller.http.get("/workflows")).json()["items"]) == 1
    theirs = (await stranger.http.get("/workflows?limit=1")).json()
    assert theirs["next"] is None


async def test_a_cursor_of_another_tenant_is_none(api: Api, me: Caller, stranger: Caller) -> None:
    for name in ("a", "b"):
        await me.http.post("/workflows", json=definition(name))
    cursor = (await me.http.get("/workflows?limit=1")).json()["next"]
    assert code(await stranger.http.get("/workflows", params={"cursor": cursor})) == (422, "cursor.invalid")


async def test_a_tenant_that_asks_too_much_is_slowed_down_and_no_other(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    few = api_settings.model_copy(update={"api_requests_per_second": 1})
    async with serving(few) as api, calling(api, store, tenant) as me:
        assert (await me.http.get("/activity-types/no.such")).status_code == 404
        answers = await asyncio.gather(*(me.http.get("/activity-types/no.such") for _ in range(60)))
        slowed = [answer for answer in answers if answer.status_code == 429]
        assert code(slowed[0]) == (429, "requests.limited")
        assert int(slowed[0].headers["retry-after"]) > 0
        async with calling(api, store, await another_tenant(store)) as other:
            assert (await other.http.get("/workflows")).status_code == 200
