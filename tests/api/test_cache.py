"""Stored outputs, as a client of the API sees them."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from tests.api.service import Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published


def cached(name: str = "priced", **more: Any) -> dict[str, JsonValue]:
    """A workflow that stores what a node in a loop gives, by what it is given."""
    price: JsonValue = {
        "type": "code.python",
        "config": {"code": "result = {'price': 5}", "input": "${{ item }}"},
        "cache": {"key": "item.sku", "ttl": "1h"},
        **more,
    }
    loop: JsonValue = {"items": "input.items", "body": {"nodes": {"price": price}}}
    return definition(name, nodes={"each": {"type": "for_each", "config": loop}})


def config(item: JsonValue) -> JsonValue:
    return {"code": "result = {'price': 5}", "input": item}


async def warmed(me: Caller) -> str:
    """Store an output, and give its id."""
    await me.http.post("/workflows?publish=true", json=cached("warm"))
    body = {"workflow": "warm", "node": "each.price", "config": config({"sku": "z"}), "key": "z", "output": OUTPUT}
    answer = await me.http.post("/cache", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def run(me: Caller, *skus: str, workflow: str = "priced") -> list[tuple[str, bool]]:
    """Run it to its end, and tell of each node run whether its output was stored before."""
    body = {"input": {"items": [{"sku": sku} for sku in skus]}}
    ended = (await me.http.post(f"/workflows/{workflow}/executions?wait=30", json=body)).json()
    assert ended["status"] == "succeeded", ended
    runs = (await me.http.get(f"/workflows/executions/{ended['id']}/nodes")).json()["items"]
    return sorted((each["path"], each["cached"]) for each in runs if each["path"] != "each")


OUTPUT: JsonValue = {"price": 5}


@pytest.mark.usefixtures("working")
async def test_what_executions_store_is_listed_read_and_taken_away(me: Caller, stranger: Caller) -> None:
    await published(me, cached())
    assert await run(me, "a", "b") == [("each[0].price", False), ("each[1].price", False)]
    listed = (await me.http.get("/cache?workflow=priced&node=each.price&type=code.python")).json()["items"]
    assert sorted(item["key"] for item in listed) == ["a", "b"]
    assert {item["workflow"] for item in listed} == {"priced"}
    assert all(item["execution"].startswith("ex_") and item["output_bytes"] > 5 for item in listed)
    assert listed[0]["stored_at"] < listed[0]["expires_at"]
    only = (await me.http.get("/cache", params={"key": "a"})).json()["items"]
    assert [item["key"] for item in only] == ["a"]
    assert {(item["hits"], item["used_at"]) for item in listed} == {(0, None)}
    first = (await me.http.get("/cache?limit=1")).json()
    second = (await me.http.get("/cache", params={"limit": 1, "cursor": first["next"]})).json()
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {item["id"] for item in listed}
    read = (await me.http.get(f"/cache/{only[0]['id']}")).json()
    assert (read["output"], read["key"]) == ({"price": 5}, "a")
    assert (await stranger.http.get("/cache")).json()["items"] == []
    assert (await stranger.http.delete("/cache?all=true")).json() == {"removed": 0, "more": False}

    assert (await me.http.delete(f"/cache/{only[0]['id']}")).status_code == 204
    assert code(await me.http.get(f"/cache/{only[0]['id']}")) == (404, "cache.unknown")
    assert await run(me, "a", "b") == [("each[0].price", False), ("each[1].price", True)]
    for address, removed in (("key=b", 1), ("workflow=priced&node=each.other", 0), ("workflow=priced", 1)):
        assert (await me.http.delete(f"/cache?{address}")).json() == {"removed": removed, "more": False}
    assert (await me.http.delete("/cache?all=true")).json()["removed"] == 0


@pytest.mark.usefixtures("working")
async def test_a_node_uses_what_was_put_there_without_running(me: Caller) -> None:
    id = await warmed(me)
    assert await run(me, "z", "z", "y", workflow="warm") == [
        ("each[0].price", True),
        ("each[1].price", True),
        ("each[2].price", False),
    ]
    while (used := (await me.http.get(f"/cache/{id}")).json())["hits"] < 2:
        await asyncio.sleep(0.02)
    assert (used["hits"], used["used_at"] > used["stored_at"]) == (2, True)
    while (told := (await me.http.get("/workflows/analytics/stats?workflow=warm")).json()["cache"])["misses"] < 1:
        await asyncio.sleep(0.02)
    assert told == {"hits": 2, "misses": 1, "hit_rate": 2 / 3}
    (item,) = (await me.http.get("/cache?key=z")).json()["items"]
    assert (item["execution"], item["node"], item["key"]) == (None, "each.price", "z")


async def test_only_what_a_node_could_have_given_is_put_there(me: Caller) -> None:
    await published(me, cached())
    await published(me, cached("plain", cache={"ttl": "1h"}))
    fetch = {"type": "http.request", "config": {"url": "https://a.example"}, "cache": {"ttl": "1h"}}
    await published(me, definition("fetching", nodes={"fetch": fetch}))
    await published(me, definition())
    good = {"workflow": "priced", "node": "each.price", "config": config(1), "key": "a", "output": OUTPUT}
    refused: list[tuple[dict[str, JsonValue], int, str]] = [
        ({"workflow": "fetching", "node": "fetch", "key": None}, 422, "output.invalid"),
        ({"node": "each"}, 422, "cache.refused"),
        ({"node": "price"}, 404, "node.unknown"),
        ({"config": None}, 422, "cache.refused"),
        ({"workflow": "plain"}, 422, "cache.refused"),
        ({"workflow": "greeting", "node": "greet"}, 422, "cache.refused"),
        ({"workflow": "nobody"}, 404, "workflow.unknown"),
        ({"version": 7}, 404, "version.unknown"),
        ({"ttl": 0}, 422, "request.invalid"),
    ]
    for change, status, expected in refused:
        assert code(await me.http.post("/cache", json={**good, **change})) == (status, expected), change
    assert (await me.http.get("/cache")).json()["items"] == []


async def test_who_takes_away_says_what(me: Caller) -> None:
    for query in ("", "?all=false", "?all=true&workflow=a"):
        assert code(await me.http.delete(f"/cache{query}")) == (422, "request.invalid")
