"""The verbs that steer and debug, against a real API."""

import pytest

from tests.api.service import Api, Caller
from tests.api.test_executions import EXECUTIONS, becomes, begun
from tests.api.working import definition, published, waiting
from tests.cli.test_events import perdure

pytestmark = pytest.mark.usefixtures("working")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_an_execution_is_paused_looked_into_stepped_through_and_ended(api: Api, me: Caller) -> None:
    nodes = {name: {"type": "transform", "config": {"expression": "vars.x"}} for name in ("a", "b")}
    await published(me, definition("two", nodes=nodes, vars={"x": 1}))
    id = (await begun(me, "two", debug=True))["id"]
    await becomes(me, id, "paused")
    shown = await perdure(api, me, "debug", "state", id)
    assert shown.status == 0, shown.err
    assert shown.out.splitlines() == [
        f"{id}: paused, held at a (start)",
        "  pending    a",
        "  pending    b",
        "next: a, b",
    ]
    assert (await perdure(api, me, "assign", id, 'x={"y": 2}', "--reason", "Better.")).status == 0
    assert (await perdure(api, me, "debug", "variables", id)).out.splitlines() == ["(the document)", '  x = {"y":2}']
    assert (await perdure(api, me, "debug", "break", id, "b", "--if", "nodes.a.output")).status == 0
    assert (await perdure(api, me, "debug", "clear", id, "b")).status == 0
    assert (await perdure(api, me, "debug", "step", id, "into")).status == 0
    assert (await perdure(api, me, "skip", id, "b")).out.startswith(f"{id}: ")
    assert (await perdure(api, me, "resume", id)).status in (0, 6)  # with its last node skipped it may have ended
    await becomes(me, id, "succeeded")
    assert (await me.http.get(f"{EXECUTIONS}/{id}")).json()["output"] == {"a": {"y": 2}}
    await published(me, waiting())
    id = (await begun(me))["id"]
    assert (await perdure(api, me, "pause", id)).out == f"{id}: paused\n"
    assert (await perdure(api, me, "terminate", id, "--reason", "Enough.")).out == f"{id}: terminated\n"
    refused = await perdure(api, me, "assign", id, "x")
    assert (refused.status, "NAME=VALUE" in refused.err) == (2, True)
