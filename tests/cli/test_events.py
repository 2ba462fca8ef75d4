"""The verbs that send events, against a real API."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.service import Api, Caller
from tests.api.working import published, waiting
from tests.cli.local_stack import PERDURE, environment


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    status: int
    out: str
    err: str


async def perdure(api: Api, me: Caller, *line: str, given: str = "") -> Done:
    settings = {**environment(), "PERDURE_URL": api.url, "PERDURE_API_KEY": me.key}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(PERDURE, *line, env=settings, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await process.communicate(given.encode())
    return Done(process.returncode or 0, out.decode(), err.decode())


async def test_events_and_signals_are_sent_as_they_are_given(api: Api, me: Caller, tmp_path: Path) -> None:
    await published(me, waiting())
    execution = (await me.http.post("/workflows/waiting/executions", json={})).json()["id"]
    file = tmp_path / "payload.json"
    file.write_text('{"from": "file"}')
    once = ("--idempotency-key", "k")
    done = await asyncio.gather(
        perdure(api, me, "events", "send", "plain"),
        perdure(api, me, "events", "send", "keyed", "--key", '"A"', "--payload", f"@{file}", *once),
        perdure(api, me, "executions", "signal", execution, "signal", "-k", "[1]", "-p", "@-", "--json", given="2"),
    )
    again = await perdure(api, me, "events", "send", "keyed", "--key", '"A"', "--payload", f"@{file}", *once)
    assert [each.status for each in done] == [0, 0, 0], done
    assert again == done[1]
    rows = {each["name"]: each for each in (await me.http.get("/events")).json()["items"]}
    ids = [done[0].out.strip(), done[1].out.strip(), json.loads(done[2].out)["id"]]
    assert [rows[name]["id"] for name in ("plain", "keyed", "signal")] == ids
    assert {name: (row["key"], row["payload"], row["execution"]) for name, row in rows.items()} == {
        "plain": (None, None, None),
        "keyed": ("A", {"from": "file"}, None),
        "signal": ([1], 2, execution),
    }


REFUSED = [
    ("events send a --key {", 2, "The key is not JSON"),
    ("events send a --payload @/nowhere", 2, "/nowhere cannot be read"),
    (f"executions signal ex_{'0' * 32} a", 6, "execution.unknown"),
    ("executions signal nobody a", 2, "is no id of an execution"),
]


@pytest.mark.parametrize(("line", "status", "told"), REFUSED)
async def test_what_cannot_be_sent_is_told_with_its_exit_status(
    api: Api, me: Caller, line: str, status: int, told: str
) -> None:
    done = await perdure(api, me, *line.split())
    assert (done.status, done.out) == (status, "")
    assert told in done.err
