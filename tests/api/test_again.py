"""Executions that go on, and reruns: what has been done is not done again. A real server counts what is done."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from store.database import Database
from store.ids import ExecutionId
from tests.activities.http_server import Request, Server, json_reply, serving
from tests.api.processes import environment
from tests.api.service import Caller
from tests.api.test_executions import becomes
from tests.api.test_workflows import code
from tests.api.working import definition, published, working_on
from tests.faults.processes import Process
from tests.worker.attempts import LOOPBACK
from worker.healing import heal


@dataclass
class Shop:
    """What executions do something at."""

    fails: set[str] = field(default_factory=set[str])
    server: Server | None = None

    @property
    def done(self) -> Counter[str]:
        """How often each node has asked for something."""
        assert self.server is not None
        return Counter(request.target.rpartition("/")[2] for request in self.server.requests)

    @property
    def keys(self) -> dict[str, list[str | None]]:
        """The idempotency keys that nodes have sent."""
        assert self.server is not None
        sent: dict[str, list[str | None]] = {}
        for request in self.server.requests:
            sent.setdefault(request.target.rpartition("/")[2], []).append(request.header("idempotency-key"))
        return sent

    def asks(self, id: str, *needs: str, **more: Any) -> dict[str, Any]:
        """A node that does something."""
        assert self.server is not None
        asked = {"method": "POST", "url": f"{self.server.url}/{id}", "body": {"given": more.pop("given", None)}}
        node = {"type": "http.request", "config": asked, "retry": {"max_attempts": 1}, **more}
        return {**node, "needs": [*needs]} if needs else node


@asynccontextmanager
async def opened() -> AsyncGenerator[Shop]:
    shop = Shop()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        node = request.target.rpartition("/")[2]
        writer.write(json_reply(b'{"no": 1}', 500) if node in shop.fails else json_reply(request.body))

    async with serving(answer) as server:
        shop.server = server
        yield shop


@pytest.fixture
async def shop(api_settings: Settings, store: Database) -> AsyncGenerator[Shop]:
    async with opened() as shop, working_on(api_settings.model_copy(update={"egress_allow": LOOPBACK}), store):
        yield shop


async def run(me: Caller, name: str, **body: Any) -> dict[str, Any]:
    answer = await me.http.post(f"/workflows/{name}/executions?wait=30", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(me: Caller, execution: str, verb: str, body: Any = None, **headers: str) -> httpx2.Response:
    return await me.http.post(f"/workflows/executions/{execution}/{verb}", json=body or {}, headers=headers)


async def again(me: Caller, execution: str, verb: str, body: Any = None) -> dict[str, Any]:
    answer = await post(me, execution, f"{verb}?wait=30", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def nodes(me: Caller, execution: str) -> dict[str, dict[str, Any]]:
    answer = await me.http.get(f"/workflows/executions/{execution}/nodes?limit=500")
    return {node["path"]: node for node in answer.json()["items"]}


async def events(me: Caller, execution: str, type: str) -> list[dict[str, Any]]:
    answer = await me.http.get(f"/workflows/executions/{execution}/events?limit=500")
    return [each for each in answer.json()["items"] if each["type"] == type]


def chain(shop: Shop, count: int) -> dict[str, Any]:
    """Nodes in a row, each given what came before it."""
    made = {"n0": shop.asks("n0", given=0)}
    for n in range(1, count):
        given = f"${{{{ nodes.n{n - 1}.output.body.given + 1 }}}}"
        made[f"n{n}"] = shop.asks(f"n{n}", f"n{n - 1}", given=given)
    return made


async def test_a_retry_goes_on_after_what_has_succeeded(me: Caller, stranger: Caller, shop: Shop) -> None:
    secret = {"type": "transform", "config": {"expression": "{'pin': 1234}"}}
    made = {**chain(shop, 4), "each": shop.asks("unused")}
    made["each"] = {
        "type": "for_each",
        "needs": ["n1"],
        "config": {"items": "[1, 2, 3]", "concurrency": 1, "body": {"nodes": {"ask": shop.asks("turn-${{ item }}")}}},
    }
    made["masked"] = {**shop.asks("masked", given="secret"), "mask": ["/body/given"]}
    made["shown"] = shop.asks("shown", "masked", "each", "n3", given="${{ nodes.masked.output.body.given }}")
    made["secret"] = secret
    await published(me, definition(nodes=made))
    shop.fails |= {"turn-2"}
    failed = await run(me, "greeting")
    assert (failed["status"], failed["attempt"]) == ("failed", 1)
    before = shop.done
    assert code(await post(stranger, failed["id"], "retry")) == (404, "execution.unknown")
    still = await again(me, failed["id"], "retry", {"reason": "The shop is up again"})
    assert (still["status"], still["attempt"]) == ("failed", 2)
    assert shop.done - before == Counter({"turn-2": 1})
    shop.fails.clear()
    bare = await me.http.post(f"/workflows/executions/{failed['id']}/retry?wait=30")
    assert bare.status_code == 200, bare.text
    ended = bare.json()
    assert (ended["id"], ended["status"], ended["attempt"], ended["error"]) == (failed["id"], "succeeded", 3, None)
    expected = {"n0", "n1", "n2", "n3", "turn-1", "turn-2", "turn-3", "masked", "shown"}
    assert shop.done == Counter(expected) + Counter({"turn-2": 2})
    assert ended["output"]["shown"]["body"] == {"given": "secret"}
    found = await nodes(me, failed["id"])
    assert {path for path, node in found.items() if node["reused"]} == {"n0", "n1", "n2", "n3", "masked", "secret"} | {
        "each[0].ask"
    }
    assert (found["n0"]["type"], found["masked"]["output"]["body"]) == ("http.request", {"given": "***"})
    first, _ = await events(me, failed["id"], "execution.retried")
    assert (first["attempt"], first["data"]) == (2, {"by": "key:test", "reason": "The shop is up again"})
    assert code(await post(me, failed["id"], "retry")) == (409, "execution.succeeded")


async def test_all_that_failed_are_retried_at_once_with_a_result_for_each(me: Caller, shop: Shop) -> None:
    await published(me, definition(nodes={"a": shop.asks("a"), "b": shop.asks("b", "a")}))
    shop.fails.add("b")
    failed = {(await run(me, "greeting"))["id"] for _ in range(2)}
    shop.fails.clear()
    done = shop.done["a"]
    asked = {"filter": {"workflow": "greeting"}, "reason": "The shop is up again"}
    answer = await me.http.post("/workflows/executions/bulk/retry", json=asked)
    assert {each["id"]: each["ok"] for each in answer.json()["items"]} == dict.fromkeys(failed, True)
    for id in failed:
        await becomes(me, id, "succeeded")
    assert shop.done["a"] == done, "what had been done is not done again"
    answer = await me.http.post("/workflows/executions/bulk/retry", json={"ids": [*failed]})
    assert {each["code"] for each in answer.json()["items"]} == {"execution.succeeded"}


async def test_many_are_rerun_at_once_each_into_an_execution_of_its_own(
    me: Caller, stranger: Caller, shop: Shop
) -> None:
    await published(me, definition(nodes={"a": shop.asks("a"), "b": shop.asks("b", "a")}))
    first = [(await run(me, "greeting"))["id"] for _ in range(2)]
    rerun, headers = "/workflows/executions/bulk/rerun", {"Idempotency-Key": "k"}
    asked: dict[str, Any] = {
        "filter": {"workflow": "greeting"},
        "rerun": {"from": ["b"]},
        "reason": "The price was wrong",
        "limit": 1,
    }
    newest = (await me.http.post(rerun, json=asked, headers=headers)).json()
    oldest = (await me.http.post(rerun, json={**asked, "cursor": newest["next"]}, headers=headers)).json()
    assert oldest["next"] is None
    [*answers] = [*newest["items"], *oldest["items"]]
    assert [each["id"] for each in answers] == first[::-1]
    assert all(each["ok"] for each in answers)
    for each in answers:
        await becomes(me, each["made"], "succeeded")
        assert (await me.http.get(f"/workflows/executions/{each['made']}")).json()["rerun_of"] == each["id"]
        [of] = await events(me, each["made"], "execution.rerun_of")
        assert (of["data"]["by"], of["data"]["reason"]) == ("key:test", "The price was wrong")
    repeated = (await me.http.post(rerun, json={"ids": first[::-1], "rerun": asked["rerun"]}, headers=headers)).json()
    assert [each["made"] for each in repeated["items"]] == [each["made"] for each in answers]
    assert shop.done == Counter({"a": 2, "b": 4})
    wrong = (await me.http.post(rerun, json={"ids": first, "rerun": {"from": ["gone"]}})).json()["items"]
    assert {each["code"] for each in wrong} == {"request.invalid"}
    assert wrong[0]["details"][0]["path"] == "/from/0"
    other = (await stranger.http.post(rerun, json={"ids": first[:1], "rerun": {"from": ["b"]}})).json()["items"]
    assert [each["code"] for each in other] == ["execution.unknown"]
    assert code(await me.http.post(rerun, json={"ids": first})) == (422, "request.invalid")


async def test_of_two_retries_at_once_one_has_its_way(me: Caller, shop: Shop) -> None:
    pause = {"type": "delay", "needs": ["a"], "config": {"for": "1h"}}
    await published(me, definition(nodes={"a": shop.asks("a"), "b": shop.asks("b", "a"), "c": pause}))
    shop.fails.add("b")
    failed = await run(me, "greeting")
    shop.fails.clear()
    answers = await asyncio.gather(*(post(me, failed["id"], "retry") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    [won] = [answer.json() for answer in answers if answer.status_code == 202]
    assert (won["attempt"], won["closed_at"], won["error"]) == (2, None, None)
    assert code(await post(me, failed["id"], "retry")) == (409, "execution.open")
    assert code(await post(me, failed["id"], "rerun", {"from": ["a"]})) == (409, "execution.open")
    cancelled = await me.http.post(f"/workflows/executions/{failed['id']}/cancel?wait=30")
    assert (cancelled.status_code, cancelled.json()["attempt"]) == (200, 2)


async def test_a_rerun_runs_only_what_follows_in_the_old_version_and_in_a_newer_one(me: Caller, shop: Shop) -> None:
    made = chain(shop, 30)
    await published(me, definition(nodes=made))
    first = await run(me, "greeting")
    untouched = (await me.http.get(f"/workflows/executions/{first['id']}/events?limit=500")).json()
    before = shop.done
    asked = {"from": ["n15"], "outputs": {"n14": {"body": {"given": 100}}}, "reason": "Wrong by then"}
    headers = {"Idempotency-Key": "k"}
    answer = await me.http.post(f"/workflows/executions/{first['id']}/rerun?wait=30", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    second = answer.json()
    assert (second["status"], second["output"]["body"]["given"], second["attempt"]) == ("succeeded", 115, 1)
    assert (second["rerun_of"], second["trigger"], second["id"] != first["id"]) == (first["id"], "rerun", True)
    assert shop.done - before == Counter(f"n{n}" for n in range(15, 30))
    found = await nodes(me, second["id"])
    assert {path for path, node in found.items() if node["reused"]} == {f"n{n}" for n in range(15)}
    repeated = await post(me, first["id"], "rerun", asked, **headers)
    assert (repeated.status_code, repeated.json()["id"]) == (200, second["id"])
    assert code(await post(me, first["id"], "rerun", {"from": ["n3"]}, **headers)) == (409, "idempotency.conflict")
    made["n20"] = {"type": "transform", "needs": ["n19"], "config": {"expression": "{'body': {'given': 0}}"}}
    draft = definition(nodes={**made, "more": shop.asks("more", "n29")})
    await me.http.put("/workflows/greeting/draft", json=draft, headers={"If-Match": "*"})
    assert (await me.http.post("/workflows/greeting/publish")).status_code == 201
    before = shop.done
    newer = await again(me, first["id"], "rerun", {"from": ["n28"], "version": 2})
    assert (newer["version"], newer["status"]) == (2, "succeeded")
    assert shop.done - before == Counter(["n28", "n29", "more"])
    assert (await nodes(me, newer["id"]))["n20"]["reused"] is False
    assert (await me.http.get(f"/workflows/executions/{first['id']}/events?limit=500")).json() == untouched
    listed = (await me.http.get(f"/workflows/executions?rerun_of={first['id']}")).json()["items"]
    assert {each["id"] for each in listed} == {second["id"], newer["id"]}
    [of] = await events(me, second["id"], "execution.rerun_of")
    assert of["data"] == {"by": "key:test", "reason": "Wrong by then", "execution": first["id"], "from": ["n15"]}


async def test_all_that_is_wrong_with_a_rerun_is_said_at_once(me: Caller, shop: Shop) -> None:
    sets = {"type": "set", "needs": ["n0"], "config": {"values": {"total": "5"}}}
    last = {"type": "transform", "needs": ["sets"], "config": {"expression": "vars.total"}}
    made = {**chain(shop, 2), "sets": sets, "last": last, "never": shop.asks("never", "n0", when="false")}
    await published(me, definition(nodes=made, vars={"total": 1}))
    first = await run(me, "greeting")
    asked = {"from": ["n1", "gone"], "outputs": {"n1": 1, "lost": 1, "never": 1}, "vars": {"other": 1}}
    answer = await post(me, first["id"], "rerun", asked)
    assert code(answer) == (422, "request.invalid")
    assert {(each["code"], each["path"]) for each in answer.json()["problems"]} == {
        ("unknown_node", "/from/1"),
        ("not_reused", "/outputs/n1"),
        ("unknown_node", "/outputs/lost"),
        ("not_reused", "/outputs/never"),
        ("unknown_variable", "/vars/other"),
    }
    kept = await again(me, first["id"], "rerun", {"from": ["last"]})
    assert kept["output"]["last"] == 5
    edited = await again(me, first["id"], "rerun", {"from": ["last"], "vars": {"total": 9}})
    assert edited["output"]["last"] == 9


async def test_what_was_undone_is_done_again_with_another_key(me: Caller, shop: Shop) -> None:
    undo = shop.asks("refund")
    charge = shop.asks("charge", compensate={"type": "http.request", "config": undo["config"]})
    await published(me, definition(nodes={"a": shop.asks("a"), "charge": charge, "b": shop.asks("b", "a", "charge")}))
    shop.fails.add("b")
    failed = await run(me, "greeting")
    assert (failed["compensation"], shop.done["refund"]) == ("done", 1)
    shop.fails.clear()
    ended = await again(me, failed["id"], "retry")
    assert (ended["status"], ended["compensation"]) == ("succeeded", "none")
    assert shop.done == Counter({"a": 1, "charge": 2, "b": 2, "refund": 1})
    once, twice = shop.keys["charge"]
    assert once != twice
    assert len({*shop.keys["b"]}) == 1


async def test_rolling_back_undoes_what_came_after_and_runs_it_again(me: Caller, shop: Shop) -> None:
    def undone(id: str, *needs: str) -> dict[str, Any]:
        return shop.asks(id, *needs, compensate={"type": "http.request", "config": shop.asks(f"undo-{id}")["config"]})

    made = {"a": undone("a"), "b": undone("b", "a"), "c": undone("c", "b"), "d": undone("d", "a")}
    await published(me, definition(nodes=made))
    first = await run(me, "greeting")
    assert code(await post(me, first["id"], "rollback", {"to": "gone"})) == (404, "node.unknown")
    shop.fails.add("undo-b")
    failed = await again(me, first["id"], "rollback", {"to": "b", "reason": "Wrong address"})
    assert (failed["status"], failed["compensation"], failed["error_code"]) == ("failed", "failed", "http.500")
    shop.fails.clear()
    ended = await again(me, first["id"], "retry")
    assert (ended["status"], ended["attempt"], ended["compensation"]) == ("succeeded", 3, "done")
    assert shop.done == Counter({"a": 1, "b": 2, "c": 2, "d": 1, "undo-c": 1, "undo-b": 2})
    found = await nodes(me, first["id"])
    assert {path for path, node in found.items() if node["reused"]} == {"a", "d"}
    [told] = await events(me, first["id"], "execution.rolled_back")
    assert told["data"] == {"by": "key:test", "reason": "Wrong address", "to": "b"}


async def test_a_retried_parent_has_its_child_go_on_and_starts_nothing_twice(me: Caller, shop: Shop) -> None:
    await published(me, definition("leaf", nodes={"one": shop.asks("one"), "two": shop.asks("two", "one")}))
    await published(me, definition("aside", nodes={"alone": shop.asks("alone")}))
    call = {"type": "workflow", "config": {"name": "leaf"}}
    aside = {"type": "workflow", "config": {"name": "aside", "wait": False}}
    await published(me, definition("parent", nodes={"aside": aside, "call": {**call, "needs": ["aside"]}}))
    shop.fails.add("two")
    failed = await run(me, "parent")
    assert (failed["status"], failed["error_code"]) == ("failed", "http.500")
    shop.fails.clear()
    ended = await again(me, failed["id"], "retry")
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert shop.done == Counter({"alone": 1, "one": 1, "two": 2})
    children = (await me.http.get(f"/workflows/executions?parent={failed['id']}")).json()["items"]
    assert {(each["workflow"], each["attempt"], each["status"]) for each in children} == {
        ("leaf", 2, "succeeded"),
        ("aside", 1, "succeeded"),
    }


async def test_a_child_that_somebody_else_had_go_on_to_its_end_is_taken_as_it_ended(me: Caller, shop: Shop) -> None:
    await published(me, definition("leaf", nodes={"one": shop.asks("one")}))
    await published(me, definition("parent", nodes={"call": {"type": "workflow", "config": {"name": "leaf"}}}))
    shop.fails.add("one")
    failed = await run(me, "parent")
    shop.fails.clear()
    [child] = (await me.http.get(f"/workflows/executions?parent={failed['id']}")).json()["items"]
    assert (await again(me, child["id"], "retry"))["status"] == "succeeded"
    ended = await again(me, failed["id"], "retry")
    assert (ended["status"], shop.done["one"]) == ("succeeded", 2)


@pytest.mark.slow
async def test_what_journals_lost_of_any_attempt_is_found_again(
    me: Caller, api_settings: Settings, store: Database
) -> None:
    client = await connect(api_settings, storage=DatabaseStorage(store), keyring=store.keyring)
    settings = api_settings.model_copy(update={"egress_allow": LOOPBACK})
    async with opened() as shop, working_on(settings, store, journal=False):
        await published(me, definition(nodes=chain(shop, 3)))
        shop.fails.add("n1")
        started = await me.http.post("/workflows/greeting/executions?wait=1", json={})
        id = started.json()["id"]
        shop.fails.clear()
        assert (await post(me, id, "retry?wait=1")).json()["attempt"] == 2
        assert (await me.http.get(f"/workflows/executions/{id}/events")).json()["items"] == []
        await heal(client, store, me.tenant, ExecutionId(id))
    told = (await me.http.get(f"/workflows/executions/{id}/events")).json()["items"]
    assert [each["seq"] for each in told] == [*range(1, len(told) + 1)]
    assert {each["attempt"] for each in told if each["type"].startswith("execution.")} == {1, 2}
    row = (await me.http.get(f"/workflows/executions/{id}")).json()
    assert (row["status"], row["attempt"], row["output"]["body"]) == ("succeeded", 2, {"given": 2})


@pytest.mark.slow
async def test_a_worker_killed_in_a_retry_repeats_no_finished_effect(
    me: Caller, api_settings: Settings, store: Database, tmp_path: Path
) -> None:
    settings = api_settings.model_copy(update={"egress_allow": LOOPBACK})
    async with opened() as shop:
        made = {id: {**node, "retry": {"max_attempts": 4, "initial": "100ms"}} for id, node in chain(shop, 12).items()}
        await published(me, definition(nodes=made))
        shop.fails.add("n6")
        async with working_on(settings, store):
            failed = await run(me, "greeting")
        shop.fails.clear()
        finished = shop.done
        assert (await post(me, failed["id"], "retry")).status_code == 202
        variables = {**environment(settings, 0), "PERDURE_EGRESS_ALLOW": "127.0.0.0/8"}
        process = Process([sys.executable, "-m", "worker"], tmp_path / "worker.log", variables)
        try:
            for _ in range(2):
                before = shop.done
                process.start()
                async with asyncio.timeout(60):
                    while shop.done == before:
                        await asyncio.sleep(0.005)
                process.kill()
            process.start()
            async with asyncio.timeout(100):
                while (await read(me, failed["id"]))["closed_at"] is None:
                    await asyncio.sleep(0.1)
        finally:
            process.kill()
        ended = await read(me, failed["id"])
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        assert {name: shop.done[name] for name in finished if name != "n6"} == {f"n{n}": 1 for n in range(6)}
        assert sum(shop.done.values()) <= sum(finished.values()) + 6 + 2  # each death repeats the one under way at most
        assert all(len({*keys}) == 1 for keys in shop.keys.values())


async def read(me: Caller, execution: str) -> dict[str, Any]:
    return (await me.http.get(f"/workflows/executions/{execution}")).json()
