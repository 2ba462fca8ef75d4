"""Why a condition held or did not, asked through the API: what it saw, part by part."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from api.executions import explaining
from api.executions.why_shapes import WhyOut
from runtime.settings import Settings
from store.database import Database
from tests.api.service import Caller
from tests.api.test_executions import EXECUTIONS, becomes, begun
from tests.api.test_workflows import code
from tests.api.working import definition, published, working_on
from worker import why

NODES: dict[str, Any] = {
    "rate": {"type": "set", "config": {"values": {"rate": "vars.rate + 1"}}},
    "big": {
        "type": "if",
        "needs": ["rate"],
        "when": "$exists(input.prices)",
        "config": {"condition": "$sum(input.prices) > input.limit and (vars.rate = 2 or input.vip)"},
    },
    "later": {"type": "set", "needs": ["big.true"], "config": {"values": {"rate": "100"}}},
    "kind": {
        "type": "switch",
        "needs": ["later"],
        "config": {"cases": {"small": "vars.rate < 10", "dear": "vars.rate >= 100", "never": "true"}},
    },
    "left": {"type": "transform", "needs": ["kind.small"], "config": {"expression": "1"}},
    "count": {
        "type": "while",
        "needs": ["kind.dear"],
        "config": {
            "condition": "$not($exists(loop.previous)) or loop.previous < 2",
            "body": {"nodes": {"turn": {"type": "transform", "config": {"expression": "loop.index"}}}},
        },
    },
    "wrong": {
        "type": "if",
        "needs": ["count", "kind.dear"],
        "config": {"condition": "input.prices[0] > 'a'"},
    },
}


async def because(me: Caller, id: str, path: str, **more: Any) -> dict[str, Any]:
    answer = await me.http.get(f"{EXECUTIONS}/{id}/debug/why", params={"path": path, **more})
    assert answer.status_code == 200, answer.text
    WhyOut.model_validate(answer.json())
    return answer.json()


def values(condition: dict[str, Any]) -> dict[str, JsonValue]:
    return {part["expression"]: part["value"] for part in condition["parts"]}


@pytest.mark.usefixtures("working")
async def test_every_kind_of_condition_is_explained_by_what_it_saw_then(me: Caller, stranger: Caller) -> None:
    await published(me, definition("asked", nodes=NODES, vars={"rate": "${{ 1 }}"}, input={"type": "object"}))
    id = (await begun(me, "asked", input={"prices": [3, 4], "limit": 5}))["id"]
    await becomes(me, id, "failed")
    told = await because(me, id, "big")
    assert (told["attempt"], [(each["kind"], each["result"]) for each in told["conditions"]]) == (
        1,
        [("when", True), ("condition", True)],
    )
    assert values(told["conditions"][1]) == {
        "$sum(input.prices) > input.limit and (vars.rate = 2 or input.vip)": True,
        "$sum(input.prices) > input.limit": True,
        "$sum(input.prices)": 7,
        "input.prices": [3, 4],
        "input.limit": 5,
        "vars.rate = 2 or input.vip": True,
        "vars.rate = 2": True,
        "vars.rate": 2,  # it is 100 by now
    }
    kinds = (await because(me, id, "kind"))["conditions"]
    assert [(each["case"], each["result"]) for each in kinds] == [("small", False), ("dear", True)]
    assert [(each["turn"], each["result"]) for each in (await because(me, id, "count"))["conditions"]] == [(3, False)]
    [first] = (await because(me, id, "count", turn=1))["conditions"]
    assert (first["kind"], first["result"], values(first)["loop.previous"]) == ("while", True, 0)
    [failed] = (await because(me, id, "wrong"))["conditions"]
    assert (failed["result"], failed["error"]["code"], failed["parts"][0]["shown"]) == (
        False,
        "expression.type",
        "error",
    )
    address = f"{EXECUTIONS}/{id}/debug/why"
    assert code(await me.http.get(address, params={"path": "left"})) == (409, "condition.not_asked")
    assert code(await me.http.get(address, params={"path": "rate"})) == (409, "condition.missing")
    assert code(await me.http.get(address, params={"path": "count", "turn": 9})) == (409, "condition.not_asked")
    assert code(await me.http.get(address, params={"path": "nobody"})) == (404, "node.unknown")
    assert code(await stranger.http.get(address, params={"path": "big"})) == (404, "execution.unknown")


@pytest.mark.usefixtures("working")
async def test_what_is_masked_is_not_in_the_answer_and_an_open_execution_is_explained(me: Caller) -> None:
    nodes: dict[str, Any] = {
        "look": {
            "type": "code.python",
            "config": {"code": "result = {'iban': 'DE-' + 'MARKER', 'total': 7}"},
            "mask": ["/iban"],
        },
        "german": {
            "type": "if",
            "needs": ["look"],
            "config": {"condition": "$uppercase(nodes.look.output.iban) = 'DE-1' or nodes.look.output.total > 5"},
        },
        "pause": {"type": "delay", "needs": ["german.true"], "config": {"for": "1h"}},
    }
    await published(me, definition("hiding", nodes=nodes))
    id = (await begun(me, "hiding"))["id"]
    await becomes(me, id, "waiting")
    told = await because(me, id, "german")
    [condition] = told["conditions"]
    assert (condition["result"], condition["masked"], "MARKER" in str(told)) == (True, True, False)
    assert [(part["expression"], part["shown"], part["value"]) for part in condition["parts"]][1:] == [
        ("$uppercase(nodes.look.output.iban) = 'DE-1'", "value", False),
        ("$uppercase(nodes.look.output.iban)", "masked", None),
        ("nodes.look.output.total > 5", "value", True),
        ("nodes.look.output.total", "value", 7),
    ]


@pytest.mark.usefixtures("working")
async def test_a_retry_is_explained_by_the_attempt_in_which_it_was_asked(me: Caller) -> None:
    nodes: dict[str, Any] = {
        "first": {"type": "if", "config": {"condition": "execution.attempt = 1"}},
        "fails": {
            "type": "if",
            "needs": ["first.true"],
            "config": {"condition": "execution.attempt = 1 ? $error('no') : true"},
        },
    }
    await published(me, definition("twice", nodes=nodes))
    id = (await begun(me, "twice"))["id"]
    await becomes(me, id, "failed")
    assert (await me.http.post(f"{EXECUTIONS}/{id}/retry", json={})).status_code == 202
    await becomes(me, id, "succeeded")
    first, second = await because(me, id, "first"), await because(me, id, "fails")
    assert (first["attempt"], first["conditions"][0]["result"]) == (1, True)
    assert (second["attempt"], values(second["conditions"][0])["execution.attempt"]) == (2, 2)


async def test_it_is_refused_where_no_worker_runs_or_the_replay_takes_too_long(
    me: Caller, api_settings: Settings, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(me, definition("asked", nodes={"any": {"type": "if", "config": {"condition": "true"}}}))
    async with working_on(api_settings, store):
        id = (await begun(me, "asked"))["id"]
        await becomes(me, id, "succeeded")
        assert (await because(me, id, "any"))["conditions"][0]["result"] is True
        monkeypatch.setattr(why, "LONGEST", timedelta())
        address, asked = f"{EXECUTIONS}/{id}/debug/why", {"path": "any"}
        assert code(await me.http.get(address, params=asked)) == (409, "condition.too_long")
    monkeypatch.setattr(explaining, "PATIENCE", timedelta(seconds=0.5))
    answer = await me.http.get(address, params=asked)
    assert code(answer) == (503, "temporal.unavailable")
    assert "No worker" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("working")
async def test_a_condition_in_a_batch_of_a_large_loop_is_found_there(me: Caller) -> None:
    check = {"type": "transform", "when": "loop.index < input.most", "config": {"expression": "1"}}
    body: dict[str, Any] = {"nodes": {"check": check}}
    each = {"type": "for_each", "config": {"items": "[1..2001]", "result": "none", "body": body}}
    await published(me, definition("large", nodes={"each": each}, input={"type": "object"}))
    id = (await begun(me, "large", input={"most": 1500}))["id"]
    await becomes(me, id, "succeeded")
    for index, result in ((3, True), (1499, True), (1500, False), (2000, False)):
        told = await because(me, id, f"each[{index}].check")
        assert (told["conditions"][0]["result"], values(told["conditions"][0])["loop.index"]) == (result, index)
    refused = await me.http.get(f"{EXECUTIONS}/{id}/debug/why", params={"path": "each[2001].check"})
    assert code(refused) == (409, "condition.not_asked")
