"""Why a condition held or did not, asked through the API: what it saw, part by part."""

from typing import Any

import pytest
from pydantic import JsonValue

from api.executions.why_shapes import WhyOut
from tests.api.service import Caller
from tests.api.test_executions import EXECUTIONS, becomes, begun
from tests.api.test_workflows import code
from tests.api.working import definition, published

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
