"""What Temporal's SDK counts in a worker, without the labels that name workflows, which are the tenants'."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BufferedMetricUpdate,
    MetricBuffer,
    MetricBufferDurationFormat,
)

from worker.metrics import SECONDS

Family = TypeVar("Family", Counter, Gauge, Histogram)

ROOM = 100_000
"""Updates that the SDK keeps between two looks; what is beyond is lost."""
DURATIONS = MetricBufferDurationFormat.SECONDS
LABEL = 40
"""Characters of a label; those that are kept are words of the SDK's own."""


@dataclass(frozen=True)
class _Kept:
    name: str
    help: str
    labels: Mapping[str, str]
    """Ours, by the SDK's."""


COUNTERS = {
    "temporal_workflow_task_execution_failed": _Kept(
        "perdure_workflow_task_failures",
        "Workflow tasks that failed and are tried again: bugs, or changed code.",
        {"failure_reason": "reason"},
    ),
    "temporal_sticky_cache_miss": _Kept(
        "perdure_execution_cache_misses", "Executions read back from their history.", {}
    ),
    "temporal_sticky_cache_total_forced_eviction": _Kept(
        "perdure_execution_cache_evictions", "Executions that lost their place in memory.", {}
    ),
    "temporal_request_failure": _Kept(
        "perdure_temporal_request_failures", "Requests that Temporal refused.", {"operation": "operation"}
    ),
}
GAUGES = {
    "temporal_sticky_cache_size": _Kept("perdure_cached_executions", "Executions kept in memory.", {}),
    "temporal_worker_task_slots_used": _Kept(
        "perdure_task_slots_used", "Tasks under way, by kind.", {"worker_type": "kind"}
    ),
    "temporal_worker_task_slots_available": _Kept(
        "perdure_task_slots_available", "Room for further tasks, by kind.", {"worker_type": "kind"}
    ),
}
HISTOGRAMS = {
    "temporal_workflow_task_execution_latency": _Kept(
        "perdure_workflow_task_seconds", "How long workflow tasks took.", {}
    ),
    "temporal_workflow_task_schedule_to_start_latency": _Kept(
        "perdure_workflow_task_wait_seconds", "How long workflow tasks waited for a worker.", {}
    ),
    "temporal_activity_schedule_to_start_latency": _Kept(
        "perdure_activity_wait_seconds", "How long activities waited for a worker.", {}
    ),
}


class SdkMetrics(Collector):
    """Takes over what the SDK has counted, when it is asked and now and then between."""

    def __init__(self, buffer: MetricBuffer):
        self._buffer = buffer
        self._lock = threading.Lock()
        self._counters = {name: _made(Counter, kept) for name, kept in COUNTERS.items()}
        self._gauges = {name: _made(Gauge, kept) for name, kept in GAUGES.items()}
        self._histograms = {
            name: Histogram(kept.name, kept.help, [*kept.labels.values()], buckets=SECONDS, registry=None)
            for name, kept in HISTOGRAMS.items()
        }

    def take(self) -> None:
        """Empty the SDK's buffer."""
        with self._lock:
            for update in self._buffer.retrieve_updates():
                self._take(update)

    def collect(self) -> Iterable[Metric]:
        """As it is now."""
        self.take()
        for family in (*self._counters.values(), *self._gauges.values(), *self._histograms.values()):
            yield from family.collect()

    def _take(self, update: BufferedMetricUpdate) -> None:
        name = update.metric.name
        if name in COUNTERS and update.metric.kind == BUFFERED_METRIC_KIND_COUNTER:
            _labelled(self._counters[name], COUNTERS[name], update).inc(update.value)
        elif name in GAUGES:
            _labelled(self._gauges[name], GAUGES[name], update).set(update.value)
        elif name in HISTOGRAMS:
            _labelled(self._histograms[name], HISTOGRAMS[name], update).observe(update.value)


def _made(kind: type[Family], kept: _Kept) -> Family:
    return kind(kept.name, kept.help, [*kept.labels.values()], registry=None)


def _labelled(family: Family, kept: _Kept, update: BufferedMetricUpdate) -> Family:
    if not kept.labels:
        return family
    return family.labels(*(str(update.attributes.get(name, ""))[:LABEL] for name in kept.labels))
