"""One timer looks after all attempts of a process: it shows that they go on, and ends those whose time is up."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from temporalio.testing import ActivityEnvironment

from activities.errors import AttemptTimeout
from worker import watch
from worker.attempt import NodeTimeout
from worker.watch import Watch


class TestHeartbeats:
    async def test_each_attempt_is_shown_as_itself_until_it_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "EVERY", 0.02)
        over = Watch()
        heard: dict[str, list[Sequence[object]]] = {"short": [], "long": [], "later": []}

        async def attempt(name: str, seconds: float) -> None:
            going = over.begin()
            going.tell(name)
            await asyncio.sleep(seconds)
            going.end()

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

    async def test_what_has_just_begun_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "EVERY", 0.2)
        over = Watch()
        heard: list[Sequence[object]] = []

        async def attempt(seconds: float) -> None:
            going = over.begin()
            await asyncio.sleep(seconds)
            going.end()

        async def run(after: float, seconds: float) -> None:
            environment = ActivityEnvironment()
            environment.on_heartbeat = lambda *told: heard.append((seconds, *told))
            await asyncio.sleep(after)
            await environment.run(attempt, seconds)

        short = (run(after / 100, 0.05) for after in range(40))
        await asyncio.gather(run(0, 0.5), *short)
        assert heard, "the one that lasts keeps the timer going"
        assert set(heard) == {(0.5,)}

    async def test_what_fails_for_one_harms_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "EVERY", 0.02)
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        over = Watch()
        heard: list[Sequence[object]] = []

        def broken(*told: object) -> None:
            raise RuntimeError("no connection")

        async def attempt() -> None:
            going = over.begin()
            await asyncio.sleep(0.1)
            going.end()

        bad, good = ActivityEnvironment(), ActivityEnvironment()
        bad.on_heartbeat, good.on_heartbeat = broken, lambda *told: heard.append(told)
        await asyncio.gather(bad.run(attempt), good.run(attempt))
        assert len(heard) >= 2

    async def test_nothing_is_told_of_what_has_ended(self) -> None:
        heard: list[Sequence[object]] = []

        async def attempt() -> None:
            going = Watch().begin()
            going.end()
            going.tell("late")

        environment = ActivityEnvironment()
        environment.on_heartbeat = lambda *told: heard.append(told)
        await environment.run(attempt)
        assert heard == []


class TestTime:
    @pytest.mark.parametrize("shown", [True, False])
    @pytest.mark.parametrize("seconds", [0.02, 0.12, 0.3])
    async def test_what_takes_too_long_is_cut_off_in_time(
        self, monkeypatch: pytest.MonkeyPatch, seconds: float, *, shown: bool
    ) -> None:
        monkeypatch.setattr(watch, "EVERY", 0.05)

        async def attempt() -> float:
            going = Watch().begin(shown=shown)
            began = time.monotonic()
            with pytest.raises(AttemptTimeout):
                await going.within(seconds, asyncio.sleep(10), AttemptTimeout)
            going.end()
            return time.monotonic() - began

        took = await ActivityEnvironment().run(attempt)
        assert seconds - 0.005 <= took < seconds + 0.1

    async def test_one_thing_after_another_has_its_own_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "EVERY", 0.02)

        async def attempt() -> None:
            going, task = Watch().begin(), asyncio.current_task()
            assert task is not None
            with pytest.raises(NodeTimeout):
                await going.within(0.05, asyncio.sleep(10), NodeTimeout)
            assert task.cancelling() == 0, "who is cut off was not cancelled by anybody"
            await going.within(0.05, asyncio.sleep(0), NodeTimeout)
            await asyncio.sleep(0.1)
            assert await going.within(1.0, asyncio.sleep(0.1, "done"), NodeTimeout) == "done"
            with pytest.raises(AttemptTimeout):
                await going.within(0.05, asyncio.sleep(10), AttemptTimeout)
            going.end()

        await ActivityEnvironment().run(attempt)

    async def test_a_timeout_or_a_cancel_of_its_own_is_passed_on(self) -> None:
        async def times_out() -> None:
            raise TimeoutError

        async def is_cancelled() -> None:
            raise asyncio.CancelledError

        async def attempt() -> None:
            going = Watch().begin()
            with pytest.raises(TimeoutError):
                await going.within(5, times_out(), AttemptTimeout)
            with pytest.raises(asyncio.CancelledError):
                await going.within(5, is_cancelled(), AttemptTimeout)
            going.end()

        await ActivityEnvironment().run(attempt)

    async def test_others_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch, "EVERY", 0.02)
        over = Watch()

        async def attempt(seconds: float) -> str:
            going = over.begin()
            try:
                return await going.within(seconds, asyncio.sleep(0.2, "done"), AttemptTimeout)
            except AttemptTimeout:
                return "late"
            finally:
                going.end()

        run = ActivityEnvironment().run
        assert await asyncio.gather(*(run(attempt, each) for each in (0.01, 0.1, 0.5, 60))) == [
            "late",
            "late",
            "done",
            "done",
        ]
