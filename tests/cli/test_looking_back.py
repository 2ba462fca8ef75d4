"""The verbs that look back on executions, and those beside them, against a real API."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.api.service import Api, Caller
from tests.api.test_executions import EXECUTIONS, becomes, begun
from tests.api.working import definition, published, waiting
from tests.cli.test_events import perdure

pytestmark = [pytest.mark.usefixtures("working"), pytest.mark.slow, pytest.mark.timeout(300)]

NODES = {
    "say": {"type": "code.python", "config": {"code": "result = 1"}},
    "big": {"type": "if", "needs": ["say"], "config": {"condition": "input.n > 3 and input.name = 'Ada'"}},
    "yes": {"type": "transform", "needs": ["big.true"], "config": {"expression": "input.n"}},
}


async def test_what_executions_did_is_told_as_text_and_as_json(api: Api, me: Caller, tmp_path: Path) -> None:
    await published(me, definition("look", nodes=NODES, input={"type": "object"}))
    one, other = [(await begun(me, "look", input={"n": n, "name": "Ada"}))["id"] for n in (5, 2)]
    for id in (one, other):
        await becomes(me, id, "succeeded")
    file = tmp_path / "bundle.json"
    said = await asyncio.gather(
        perdure(api, me, "timeline", one),
        perdure(api, me, "timeline", one, "--limit", "1", "--json"),
        perdure(api, me, "compare", one, other),
        perdure(api, me, "executions", "export", one),
        perdure(api, me, "executions", "export", one, "--to", str(file)),
        perdure(api, me, "why", other, "big"),
        perdure(api, me, "why", other, "big", "--json"),
        perdure(api, me, "why", other, "say"),
    )
    assert [each.status for each in said] == [0] * 7 + [6], said
    timeline, page, compared, exported, written, why, audit, refused = said
    assert [line.split()[0] for line in timeline.out.splitlines()] == ["PATH", "say", "big", "yes"]
    assert [len(json.loads(page.out)["items"]), json.loads(page.out)["next"] is None] == [1, False]
    assert compared.out.splitlines()[2:] == [
        "differs: input, output",
        "  input/n: 5 -> 2",
        "  output: 5 -> null",
        "  big: succeeded true -> succeeded false",
        "  yes: succeeded out -> skipped",
    ]
    assert (written.out, file.with_suffix(".json.part").exists()) == (f"{one}: written to {file}\n", False)
    assert json.loads(exported.out)["execution"] == json.loads(file.read_text())["execution"]
    assert why.out.splitlines()[1:] == [
        "condition: false",
        "  input.n > 3 and input.name = 'Ada' = false",
        "    input.n > 3 = false",
        "      input.n = 2",
    ]
    assert json.loads(audit.out)["conditions"][0]["parts"][0]["value"] is False
    assert "(condition.missing)" in refused.err
    nowhere = await perdure(api, me, "executions", "export", one, "--to", str(tmp_path / "no" / "file"))
    assert (nowhere.status, "cannot be written" in nowhere.err) == (2, True)


async def test_an_execution_is_rolled_back_and_followed(api: Api, me: Caller) -> None:
    nodes = {
        "first": {"type": "transform", "config": {"expression": "1"}},
        "last": {"type": "transform", "needs": ["first"], "config": {"expression": "execution.attempt"}},
    }
    await published(me, definition("back", nodes=nodes))
    id = (await begun(me, "back"))["id"]
    await becomes(me, id, "succeeded")
    done = await perdure(api, me, "rollback", id, "--to", "last", "--reason", "Once more.")
    assert (done.status, done.out.splitlines()[-1]) == (0, "2"), done
    assert (await perdure(api, me, "rollback", id, "--to", "last", "--no-wait")).out == f"{id}\n"
    assert (await perdure(api, me, "rollback", id, "--to", "nobody")).status == 6


async def test_dependencies_are_put_listed_checked_and_taken_away(api: Api, me: Caller) -> None:
    for name in ("first", "second"):
        await published(me, waiting(name))
    options = ("--within", "1d", "--on-unmet", "wait", "--wait-at-most", "2h")
    put = await perdure(api, me, "dependencies", "put", "second", "first", *options)
    line = "first: not met, within 24 h 00 min, else wait at most 2 h 00 min\n"
    assert (put.status, put.out) == (0, line), put
    listed, told, wrong = await asyncio.gather(
        perdure(api, me, "dependencies", "ls", "second"),
        perdure(api, me, "dependencies", "ls", "second", "--json"),
        perdure(api, me, "dependencies", "check", "first", "second"),
    )
    assert (listed.out, json.loads(told.out)["items"][0]["depends_on"]) == (line, "first")
    assert (wrong.status, "dependency." in wrong.out) == (1, True), wrong
    id = (await begun(me, "second"))["id"]
    assert "It waits until `first` has succeeded." in (await perdure(api, me, "why", id)).out
    assert (await perdure(api, me, "dependencies", "rm", "second", "first")).status == 0
    assert (await perdure(api, me, "dependencies", "ls", "second")).out == ""


async def test_an_output_is_put_where_a_node_uses_it(api: Api, me: Caller) -> None:
    fetch = {
        "type": "http.request",
        "config": {"url": "http://127.0.0.1:9/"},
        "cache": {"key": "input.id", "ttl": "1h"},
    }
    await published(me, definition("cached", nodes={"fetch": fetch}, input={"type": "object"}))
    output = '{"status": 200, "headers": {}, "body": "warm", "url": "http://127.0.0.1:9/"}'
    warm = await perdure(api, me, "cache", "warm", "cached", "fetch", output, "--key", '"k"')
    assert (warm.status, warm.out.split()[1:4]) == (0, ["cached", "fetch", "http.request"]), warm
    id = (await begun(me, "cached", input={"id": "k"}))["id"]
    await becomes(me, id, "succeeded")
    assert (await me.http.get(f"{EXECUTIONS}/{id}")).json()["output"]["body"] == "warm"
