"""Secrets, env and activity types, as a client of the API sees them."""

from pydantic import JsonValue

from activities import registry
from store import env, secrets
from store.database import Database
from store.session import session
from tests.api.service import Caller
from tests.api.test_workflows import code, definition


async def test_a_secret_is_put_and_replaced_and_deleted_but_never_shown(me: Caller, store: Database) -> None:
    for value in ("first", "hunter2"):
        assert (await me.http.put("/secrets/token", json={"value": value})).status_code == 204
    listed = await me.http.get("/secrets")
    assert [secret["name"] for secret in listed.json()["items"]] == ["token"]
    assert "hunter2" not in listed.text
    async with session(store, me.tenant) as opened:
        assert await secrets.resolve(opened, ["token"]) == {"token": "hunter2"}
    assert (await me.http.delete("/secrets/token")).status_code == 204
    assert code(await me.http.delete("/secrets/token")) == (404, "secret.unknown")


async def test_a_secret_that_is_refused_is_not_shown_either(me: Caller) -> None:
    for body in ({"value": ["hunter2"]}, {"value": "hunter2", "more": 1}, {"hunter2": 1}):
        answer = await me.http.put("/secrets/token", json=body)
        assert code(answer) == (422, "request.invalid")
        assert "hunter2" not in answer.json()["detail"]
    assert "hunter2" not in (await me.http.put("/secrets/token", json={"value": ["hunter2"]})).text
    assert code(await me.http.put("/secrets/token", json={"value": "ä" * 60_000})) == (422, "limit.secret_bytes")
    assert code(await me.http.put("/secrets/1", json={"value": ""})) == (422, "request.invalid")


async def test_a_definition_may_name_the_secrets_that_there_are(me: Caller) -> None:
    call: JsonValue = {"type": "http.request", "config": {"url": "https://example.com/${{ secrets.token }}"}}
    document = definition(nodes={"call": call})
    before = await me.http.post("/workflows/validate", json=document)
    assert not before.json()["valid"]
    await me.http.put("/secrets/token", json={"value": "x"})
    after = await me.http.post("/workflows/validate", json=document)
    assert after.json()["valid"], after.text


async def test_env_holds_any_value(me: Caller, store: Database) -> None:
    for name, value in {"url": "https://example.com", "rate": 0.5, "team": {"b": 1, "a": [None]}}.items():
        assert (await me.http.put(f"/env/{name}", json={"value": value})).status_code == 204
    listed = (await me.http.get("/env?limit=2")).json()
    found = {each["name"]: each["value"] for each in listed["items"]}
    assert found == {"rate": 0.5, "team": {"b": 1, "a": [None]}}
    rest = (await me.http.get("/env", params={"cursor": listed["next"]})).json()
    assert ([each["name"] for each in rest["items"]], rest["next"]) == (["url"], None)
    async with session(store, me.tenant) as opened:
        assert set(await env.values(opened)) == {"rate", "team", "url"}
    assert (await me.http.delete("/env/url")).status_code == 204
    assert code(await me.http.delete("/env/url")) == (404, "env.unknown")


async def test_every_activity_type_is_told_with_its_schemas(me: Caller) -> None:
    listed = (await me.http.get("/activity-types")).json()["items"]
    assert [spec["name"] for spec in listed] == list(registry.load())
    one = (await me.http.get("/activity-types/http.request")).json()
    assert one in listed
    assert "url" in one["config_schema"]["properties"]
    assert "status" in one["output_schema"]["properties"]
    assert code(await me.http.get("/activity-types/no.such")) == (404, "activity_type.unknown")
