"""One timer shows for all attempts of a process that they go on."""

import asyncio
from collections.abc import Sequence

import pytest
from temporalio.testing import ActivityEnvironment

from worker import heartbeats
from worker.heartbeats import Heartbeats


async def test_each_attempt_is_shown_as_itself_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "EVERY", 0.02)
    all_of_them = Heartbeats()
    heard: dict[str, list[Sequence[object]]] = {"short": [], "long": [], "later": []}

    async def attempt(name: str, seconds: float) -> None:
        all_of_them.begin(name)
        all_of_them.tell(name, name)
        await asyncio.sleep(seconds)
        all_of_them.end(name)

    async def run(name: str, seconds: float) -> int:
        environment = ActivityEnvironment()
        environment.on_heartbeat = lambda *told: heard[name].append(told)
        await environment.run(attempt, name, seconds)
        return len(heard[name])

    short, long = await asyncio.gather(run("short", 0.05), run("long", 0.2))
    assert 2 <= short < long
    await asyncio.sleep(0.06)
    later = await run("later", 0.1)
    assert later >= 2, "with nothing to show the timer rests; it begins anew"
    assert [len(heard["short"]), len(heard["long"])] == [short, long], "nothing is shown after the end"
    assert all(told == (name,) for name, said in heard.items() for told in said)


async def test_what_fails_for_one_harms_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "EVERY", 0.02)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    both = Heartbeats()
    heard: list[Sequence[object]] = []

    def broken(*told: object) -> None:
        raise RuntimeError("no connection")

    async def attempt(key: str) -> None:
        both.begin(key)
        await asyncio.sleep(0.1)
        both.end(key)

    bad, good = ActivityEnvironment(), ActivityEnvironment()
    bad.on_heartbeat, good.on_heartbeat = broken, lambda *told: heard.append(told)
    await asyncio.gather(bad.run(attempt, "bad"), good.run(attempt, "good"))
    assert len(heard) >= 2


async def test_nothing_is_told_of_what_has_ended() -> None:
    heard: list[Sequence[object]] = []

    async def attempt() -> None:
        those = Heartbeats()
        those.begin("a")
        those.end("a")
        those.tell("a", "late")

    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *told: heard.append(told)
    await environment.run(attempt)
    assert heard == []
