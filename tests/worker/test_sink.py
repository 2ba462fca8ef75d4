"""The buffer between those who say what happens and what writes it down."""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dag.events import StepEvent
from worker import sink as sink_module
from worker.records import Attempt
from worker.sink import BufferedSink, Entry, Step, Unavailable


def event(n: int, strand: str = "main") -> StepEvent:
    return StepEvent("ex", 1, strand, n, "node.started", "a", 0.0, None, 0, 0, task=3)


ATTEMPT = Attempt("acme", "ex", "a", 1, "demo.echo", started_at=0.0, ended_at=1.0, status="succeeded")


class Written:
    """What a sink wrote, batch by batch; while it is `away` it says so."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Entry]] = []
        self.away = False
        self.tries = 0

    async def __call__(self, batch: Sequence[Entry]) -> None:
        self.tries += 1
        if self.away:
            raise Unavailable
        self.batches.append(batch)

    def numbers(self, strand: str = "main") -> list[int]:
        steps = [entry.event for batch in self.batches for entry in batch if isinstance(entry, Step)]
        return [step.n for step in steps if step.strand == strand]


async def test_the_end_of_an_execution_is_written_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "_PAUSE", 60.0)
    written = Written()
    async with BufferedSink(written, most_pause=60.0) as sink:
        sink.step(event(1), False)
        await asyncio.sleep(0.1)
        assert written.numbers() == []
        sink.step(replace(event(2), type="execution.failed"), False)
        await asyncio.sleep(0.1)
        assert written.numbers() == [1, 2]
        sink.step(replace(event(3), type="execution.succeeded"), False)
        await asyncio.sleep(0.1)
        assert written.numbers() == [1, 2]  # nor are many that end written one by one


async def test_records_of_attempts_go_with_the_next_event_or_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_module, "_RECORDS", 0.3)
    written = Written()
    async with BufferedSink(written) as sink:
        sink.attempt(ATTEMPT)
        await asyncio.sleep(0.1)
        assert written.batches == []
        sink.step(event(1), False)
        await asyncio.sleep(0.1)
        assert written.batches == [[ATTEMPT, Step(event(1), replaying=False)]]
        sink.attempt(ATTEMPT)
        await asyncio.sleep(0.4)
        assert written.batches[1:] == [[ATTEMPT]]
        sink.step(event(2), False)
        sink.attempt(ATTEMPT)  # comes no later for what follows
        await asyncio.sleep(0.1)
        assert written.numbers() == [1, 2]


async def test_all_that_is_said_before_the_close_is_written_in_order() -> None:
    written = Written()
    async with BufferedSink(written, batch=7) as sink:
        for n in range(1, 101):
            sink.step(event(n), False)
        sink.attempt(ATTEMPT)
    assert written.numbers() == list(range(1, 101))
    assert written.batches[-1][-1] is ATTEMPT
    assert max(map(len, written.batches)) == 7
    assert sink.dropped == 0


async def test_what_is_said_shows_within_the_interval_without_a_close() -> None:
    written = Written()
    async with BufferedSink(written) as sink:
        for round_ in range(1, 4):
            sink.step(event(round_), True)
            await asyncio.sleep(0.1)
            assert written.numbers() == list(range(1, round_ + 1))
    assert written.batches[0] == [Step(event(1), replaying=True)]


async def test_many_threads_may_speak_at_once_and_each_keeps_its_order() -> None:
    written = Written()

    def speak(sink: BufferedSink, strand: str) -> None:
        for n in range(1, 2_001):
            sink.step(event(n, strand), False)

    async with BufferedSink(written) as sink:
        threads = [threading.Thread(target=speak, args=(sink, f"{k}")) for k in range(8)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert sink.dropped == 0
    for k in range(8):
        assert written.numbers(f"{k}") == list(range(1, 2_001))


async def test_what_does_not_fit_is_dropped_and_counted_and_nobody_waits() -> None:
    written = Written()
    async with BufferedSink(written, limit=10) as sink:
        for n in range(1, 101):
            sink.step(event(n), False)
    assert written.numbers() == list(range(1, 11))
    assert sink.dropped == 90


async def test_an_outage_is_waited_out_and_loses_nothing_that_fits() -> None:
    written = Written()
    written.away = True
    async with BufferedSink(written, most_pause=0.001) as sink:
        for n in range(1, 51):
            sink.step(event(n), False)
            await asyncio.sleep(0.001)
        assert written.tries > 1
        assert written.batches == []
        written.away = False
    assert written.numbers() == list(range(1, 51))
    assert sink.dropped == 0


async def test_a_close_in_an_outage_ends_when_patience_does_and_counts_the_loss() -> None:
    written = Written()
    written.away = True
    began = time.monotonic()
    async with BufferedSink(written, patience=0.2, batch=3) as sink:
        for n in range(1, 8):
            sink.step(event(n), False)
    assert time.monotonic() - began < 2
    assert sink.dropped == 7
    sink.step(event(8), False)
    assert sink.dropped == 8


async def test_a_bug_in_what_writes_costs_its_batch_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    written: list[Entry] = []

    async def write(batch: Sequence[Entry]) -> None:
        if any(isinstance(entry, Step) and entry.event.n == 2 for entry in batch):
            raise KeyError("n")
        written.extend(batch)

    with caplog.at_level(logging.ERROR):
        async with BufferedSink(write, batch=1) as sink:
            for n in range(1, 4):
                sink.step(event(n), False)
    assert [entry.event.n for entry in written if isinstance(entry, Step)] == [1, 3]
    assert sink.dropped == 1
    assert "could not be written" in caplog.text


async def test_taking_a_step_costs_the_workflow_a_few_microseconds_at_most() -> None:
    async with BufferedSink(Written()) as sink:
        one = event(1)
        began = time.process_time()
        for _ in range(50_000):
            sink.step(one, False)
        cost = (time.process_time() - began) / 50_000
    assert cost < 60e-6, f"{cost * 1e6:.1f} µs"
