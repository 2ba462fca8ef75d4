"""What a worker counts: attempts, its journal, how its sink stands, journals that were mended."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime.metrics import REGISTRY
from worker.records import Attempt, Lines, Progress
from worker.sink import BufferedSink, Entry, Sink, Step

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
UNKNOWN = "unknown"

ATTEMPTS = Counter(
    "perdure_attempts",
    "Attempts at activities that have ended, by activity type and outcome.",
    ["type", "outcome"],
    registry=REGISTRY,
)
ATTEMPT_SECONDS = Histogram(
    "perdure_attempt_seconds",
    "How long attempts took, by activity type.",
    ["type"],
    buckets=SECONDS,
    registry=REGISTRY,
)
ATTEMPT_CPU = Counter(
    "perdure_attempt_cpu_seconds", "CPU time of attempts, by activity type.", ["type"], registry=REGISTRY
)
LOG_DROPPED = Counter("perdure_log_lines_dropped", "Lines that attempts logged beyond their share.", registry=REGISTRY)
WRITTEN = Counter("perdure_journal_written", "Step events and records written to journals.", registry=REGISTRY)
BATCHES = Counter("perdure_journal_batches", "Batches that they were written in.", registry=REGISTRY)
LAG = Histogram(
    "perdure_journal_lag_seconds",
    "How old the oldest of a batch was when it was written; replays are left out.",
    buckets=SECONDS,
    registry=REGISTRY,
)
HEALED = Counter(
    "perdure_journals_healed", "Journals that were looked at to be mended, by outcome.", ["outcome"], registry=REGISTRY
)


class MeasuredSink:
    """Counts attempts on their way to the sink. The activity types are those of this process, so that nobody can make
    up others."""

    def __init__(self, sink: Sink, types: Collection[str]):
        self._sink = sink
        self._types = frozenset(types)
        self.step = sink.step  # nothing stands in the way of step events

    def attempt(self, record: Attempt) -> None:
        """Take what is known of an attempt that has ended."""
        type = record.type if record.type in self._types else UNKNOWN
        ATTEMPTS.labels(type, record.status).inc()
        ATTEMPT_SECONDS.labels(type).observe(max(0.0, record.ended_at - record.started_at))
        ATTEMPT_CPU.labels(type).inc(record.cpu_seconds)
        LOG_DROPPED.inc(record.log_dropped)
        self._sink.attempt(record)

    def told(self, record: Lines | Progress) -> None:
        """Take what an attempt tells while it runs."""
        self._sink.told(record)


def measured(write: Callable[[Sequence[Entry]], Awaitable[None]]) -> Callable[[Sequence[Entry]], Awaitable[None]]:
    """Count what is written, and how late."""

    async def writes(batch: Sequence[Entry]) -> None:
        await write(batch)
        WRITTEN.inc(len(batch))
        BATCHES.inc()
        if (oldest := min(map(_at, batch))) != float("inf"):
            LAG.observe(max(0.0, time.time() - oldest))

    return writes


class SinkState(Collector):
    """How the sink stands when it is asked."""

    def __init__(self, sink: BufferedSink):
        self._sink = sink

    def collect(self) -> Iterable[Metric]:
        """As it is now."""
        waiting = "Step events and records that wait to be written."
        yield GaugeMetricFamily("perdure_sink_waiting", waiting, value=self._sink.waiting)
        dropped = "Those that found no room; step events among them come back by healing."
        yield CounterMetricFamily("perdure_sink_dropped", dropped, value=self._sink.dropped)


def _at(entry: Entry) -> float:
    match entry:
        case Step(event, replaying):
            return float("inf") if replaying else event.at
        case Attempt():
            return entry.ended_at
        case Lines():
            return entry.lines[0].at
        case Progress():
            return entry.at
