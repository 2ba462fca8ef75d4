"""What every process counts for Prometheus; no label names a tenant, or what is a tenant's."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from store.database import Database, pool

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

STARTS = Counter(
    "perdure_executions_started",
    "Executions that this process started, by what asked for them.",
    ["trigger"],
    registry=REGISTRY,
)


class Pool(Collector):
    """The connections to the database of one process."""

    def __init__(self, database: Database):
        self._database = database

    def collect(self) -> Iterable[Metric]:
        """As it is now."""
        family = GaugeMetricFamily(
            "perdure_database_connections", "Connections to the database, by their state.", labels=["state"]
        )
        for state, count in pool(self._database).items():
            family.add_metric([state], count)
        yield family


@contextmanager
def collecting(*collectors: Collector) -> Generator[None]:
    """Show these too for as long as the block lasts."""
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        yield
    finally:
        for collector in collectors:
            REGISTRY.unregister(collector)


def text() -> bytes:
    """All of it, as Prometheus reads it."""
    return generate_latest(REGISTRY)
