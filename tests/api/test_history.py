"""What executions have come to can be looked into: their nodes, their graph, what took how long."""

from typing import Any

import pytest
from pydantic import JsonValue

from store import ids, journal
from store.database import Database
from store.journal import Note
from store.session import session
from tests.api.service import Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published
from tests.store.telling import BEGAN

ORDERS: dict[str, JsonValue] = definition(
    "orders",
    nodes={
        "lines": {"type": "transform", "config": {"expression": "[1..input.count]"}},
        "each": {
            "type": "for_each",
            "needs": ["lines"],
            "config": {
                "items": "nodes.lines.output",
                "body": {
                    "nodes": {
                        "price": {"type": "transform", "config": {"expression": "item * 10"}},
                        "ways": {
                            "type": "parallel",
                            "needs": ["price"],
                            "config": {
                                "branches": {
                                    "left": {"nodes": {"a": {"type": "transform", "config": {"expression": "1"}}}},
                                    "right": {"nodes": {"b": {"type": "transform", "config": {"expression": "2"}}}},
                                }
                            },
                        },
                    }
                },
            },
        },
        "sum": {
            "type": "transform",
            "needs": ["each"],
            "config": {"expression": "input.count > 4 ? $error('too many articles') : input.count"},
        },
    },
)


async def ended(me: Caller, count: int, workflow: str = "orders") -> dict[str, Any]:
    answer = await me.http.post(f"/workflows/{workflow}/executions?wait=30", json={"input": {"count": count}})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def asked(me: Caller, execution: str, part: str, **parameters: Any) -> Any:
    answer = await me.http.get(f"/workflows/executions/{execution}/{part}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def paths(me: Caller, execution: str, **parameters: Any) -> list[str]:
    return [each["path"] for each in (await asked(me, execution, "nodes", limit=500, **parameters))["items"]]


@pytest.mark.usefixtures("working")
async def test_an_execution_is_looked_into_from_its_graph_to_one_node_run(me: Caller) -> None:
    await published(me, ORDERS)
    id = (await ended(me, 3))["id"]

    graph = await asked(me, id, "graph")
    runs = {node["place"]: (node["inside"], node["part"], node["statuses"]) for node in graph["nodes"]}
    assert runs == {
        "lines": (None, None, {"succeeded": 1}),
        "each": (None, None, {"succeeded": 1}),
        "sum": (None, None, {"succeeded": 1}),
        "each.price": ("each", "body", {"succeeded": 3}),
        "each.ways": ("each", "body", {"succeeded": 3}),
        "each.ways.left.a": ("each.ways", "left", {"succeeded": 3}),
        "each.ways.right.b": ("each.ways", "right", {"succeeded": 3}),
    }
    assert {"source": "each.price", "port": "out", "target": "each.ways"} in graph["edges"]
    turn = await asked(me, id, "graph", path="each[1]")
    assert {node["place"]: node["runs"] for node in turn["nodes"]} == dict.fromkeys([*runs][3:], 1)
    assert [edge["target"] for edge in turn["edges"]] == ["each.ways"]
    part = await asked(me, id, "graph", path="each[1].ways.left")
    assert [(node["place"], node["runs"]) for node in part["nodes"]] == [("each.ways.left.a", 1)]
    assert code(await me.http.get(f"/workflows/executions/{id}/graph?path=sum")) == (404, "node.unknown")
    assert code(await me.http.get(f"/workflows/executions/{id}/graph?attempt=2")) == (404, "attempt.unknown")

    assert await paths(me, id, inside="") == ["lines", "each", "sum"]
    assert sorted(await paths(me, id, inside="each[2]")) == ["each[2].price", "each[2].ways"]
    assert await paths(me, id, inside="each[2].ways.left") == ["each[2].ways.left.a"]
    assert len(await paths(me, id, inside="each")) == 6
    assert sorted(await paths(me, id, node="each.price")) == [f"each[{n}].price" for n in range(3)]
    assert await paths(me, id, type="for_each") == ["each"]
    assert await paths(me, id, started_before="2020-01-01T00:00:00Z") == []
    assert len(await paths(me, id, started_after="2020-01-01T00:00:00+02:00")) == 15
    assert await paths(me, id, inside="sum") == await paths(me, id, inside="each]['\"\\") == []
    bars = (await asked(me, id, "timeline"))["items"]
    assert [(bar["path"], bar["statuses"]) for bar in bars] == [
        ("lines", None),
        ("each", {"succeeded": 12}),
        ("sum", None),
    ]
    assert {span["kind"] for bar in bars for span in bar["spans"]} <= {"running"}
    first = await asked(me, id, "timeline", path="each", limit=2)
    rest = await asked(me, id, "timeline", path="each", limit=2, cursor=first["next"])
    turns = [*first["items"], *rest["items"]]
    assert [(bar["kind"], bar["path"]) for bar in turns] == [("turn", f"each[{n}]") for n in range(3)]
    assert [bar["statuses"] for bar in turns] == [{"succeeded": 4}] * 3
    bars = (await asked(me, id, "timeline", path="each[1]"))["items"]
    assert [(bar["path"], bar["statuses"]) for bar in bars] == [
        ("each[1].price", None),
        ("each[1].ways", {"succeeded": 2}),
    ]
    assert code(await me.http.get(f"/workflows/executions/{id}/timeline?path=lines")) == (404, "node.unknown")

    bundle = await asked(me, id, "export")
    assert (bundle["format"], bundle["execution"]["id"], bundle["definition"]) == (1, id, ORDERS)
    assert [run["path"] for run in bundle["node_runs"]] == await paths(me, id)
    assert bundle["events"] == (await asked(me, id, "events", limit=500))["items"]
    assert bundle["logs"] == []

    detail = await asked(me, id, "nodes/each[1].price", attempt=1)
    assert (detail["output"], detail["attempts"]) == (20, [])


@pytest.mark.usefixtures("working")
async def test_failures_are_counted_by_their_codes_and_found_by_their_words(me: Caller) -> None:
    await published(me, ORDERS)
    failed, fine = await ended(me, 5), await ended(me, 1)
    (node,) = [each for each in (await asked(me, failed["id"], "graph"))["nodes"] if each["place"] == "sum"]
    assert (node["statuses"], node["errors"]) == ({"failed": 1}, {failed["error"]["code"]: 1})
    for words, found in {"too MANY": [failed["id"]], "too few": [], failed["error"]["code"]: [failed["id"]]}.items():
        listed = (await me.http.get("/workflows/executions", params={"error": words})).json()["items"]
        assert [each["id"] for each in listed] == found, words
    assert fine["status"] == "succeeded"

    two = await asked(me, failed["id"], f"compare/{fine['id']}", differing="true", limit=500)
    assert two["differs"] == ["status", "error_code", "input", "output"]
    assert two["input"] == [{"path": "/count", "kind": "changed", "before": 5, "after": 1, "cut": False}]
    pairs = {pair["path"]: pair for pair in two["items"]}
    assert {path.partition("[")[2][:1] for path in pairs} == {"", *"1234"}
    assert (pairs["each[1].price"]["other"], pairs["each[1].price"]["output"]) == (None, None)
    assert (pairs["sum"]["one"]["status"], pairs["sum"]["other"]["status"]) == ("failed", "succeeded")
    assert pairs["each"]["output"] == "different"
    every = await asked(me, failed["id"], f"compare/{fine['id']}", limit=1)
    assert [(each["path"], each["differs"]) for each in every["items"]] == [("each", True)]
    same = await asked(me, fine["id"], f"compare/{fine['id']}", attempt=1, other_attempt=1)
    assert (same["differs"], [each for each in same["items"] if each["differs"]]) == ([], [])
    assert {each["output"] for each in same["items"]} == {"equal"}
    unknown = await me.http.get(f"/workflows/executions/{fine['id']}/compare/ex_{'0' * 32}")
    assert code(unknown) == (404, "execution.unknown")
    for words in ("!", "a b c", " ".join(f"w{n}" for n in range(11))):
        answer = await me.http.get("/workflows/executions", params={"error": words})
        assert code(answer) == (422, "request.invalid"), words


async def test_the_log_is_read_by_path_level_attempt_and_text(me: Caller, stranger: Caller, store: Database) -> None:
    id = ids.execution()
    said: list[tuple[str, str, dict[str, JsonValue]]] = [
        ("log", "each[0].ask", {"level": "info", "message": "Asked the shop", "fields": {"shop": 7}, "attempt": 1}),
        ("log", "each[1].ask", {"level": "error", "message": "The SHOP is closed", "attempt": 2}),
        ("node.log", "sum", {"level": "debug", "message": "summed up"}),
        ("log", "each[10].ask", {"level": "warning", "message": "slow answer", "fields": {}}),
        ("attempt.succeeded", "sum", {"attempt": 1, "seconds": 1}),
    ]
    notes = [Note(id, type, path, BEGAN + n, data) for n, (type, path, data) in enumerate(said)]
    async with session(store, me.tenant) as opened:
        await journal.write(opened, notes)

    async def lines(**parameters: Any) -> list[str]:
        return [each["message"] for each in (await asked(me, id, "logs", **parameters))["items"]]

    everything = await asked(me, id, "logs")
    assert everything["next"] is None
    assert everything["items"][0] == {
        "seq": 1,
        "at": "2023-11-14T22:13:20Z",
        "path": "each[0].ask",
        "attempt": 1,
        "node_attempt": 1,
        "level": "info",
        "message": "Asked the shop",
        "fields": {"shop": 7},
    }
    assert await lines() == ["Asked the shop", "The SHOP is closed", "summed up", "slow answer"]
    assert await lines(path="each[1]") == ["The SHOP is closed"]
    assert await lines(path="each") == ["Asked the shop", "The SHOP is closed", "slow answer"]
    assert await lines(level="warning") == ["The SHOP is closed", "slow answer"]
    assert await lines(text="shop the") == ["Asked the shop", "The SHOP is closed"]
    assert await lines(since=1, limit=1) == ["The SHOP is closed"]
    bundle = await asked(me, id, "export")
    assert bundle["logs"] == everything["items"]
    assert (bundle["definition"], [each["type"] for each in bundle["events"]]) == (None, ["attempt.succeeded"])
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(5):
        page = await asked(me, id, "logs", limit=1, text="s", **cursor)
        found += [each["message"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == await lines()
    assert code(await me.http.get(f"/workflows/executions/{id}/logs?attempt=2")) == (404, "attempt.unknown")
    assert code(await stranger.http.get(f"/workflows/executions/{id}/logs")) == (404, "execution.unknown")
