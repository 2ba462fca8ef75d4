"""Checks activities: their type is there, their config fits it, their queue exists, and a retry is safe."""

from collections.abc import Iterator

from jsonschema_rs import Validator, validator_for
from pydantic import JsonValue

from dag.activity_type import Catalog
from dag.checks.guessing import Guess, short
from dag.checks.schemas import mismatches
from dag.controls.reaching import Workflow
from dag.node import Activity, Compensate
from dag.places import Path
from dag.plan import Pointer
from dag.problems import Problem, pointer
from dag.sites import Site
from dag.templates import scan


class ActivityChecks:
    """Holds one validator for each activity type, made when first needed."""

    def __init__(self, catalog: Catalog, queues: frozenset[str], guess: Guess):
        self._catalog = catalog
        self._queues = queues
        self._guess = guess
        self._validators: dict[str, Validator] = {}

    def errors(self, site: Site) -> Iterator[Problem]:
        """Check every activity of a graph, and those that undo."""
        for id, node in site.nodes():
            if isinstance(node, Activity):
                yield from self._call(node.type, node.config, site.at(id))
                if node.queue is not None and node.queue not in self._queues:
                    hint = self._guess(node.queue, sorted(self._queues))
                    yield Problem("unknown_queue", pointer(site.at(id, "queue")), "There is no such queue.", hint)
            if isinstance(node, Activity | Workflow) and node.compensate is not None:
                yield from self._call(node.compensate.type, node.compensate.config, site.at(id, "compensate"))

    def warnings(self, site: Site) -> Iterator[Problem]:
        """Find retries of what may not safely run twice."""
        for id, node in site.nodes():
            if isinstance(node, Activity):
                yield from self._retry(node, site.at(id))
            if isinstance(node, Activity | Workflow) and node.compensate is not None:
                yield from self._retry(node.compensate, site.at(id, "compensate"))

    def _call(self, type: str, config: dict[str, JsonValue], path: Path) -> Iterator[Problem]:
        if type not in self._catalog:
            hint = self._guess(type, sorted(self._catalog))
            yield Problem(
                "unknown_type", pointer((*path, "type")), f"There is no activity type `{short(type)}` here.", hint
            )
            return
        for place, message in self._mismatches(type, config):
            yield Problem("invalid_config", pointer((*path, "config", *place)), message)

    def _retry(self, node: Activity | Compensate, path: Path) -> Iterator[Problem]:
        spec = self._catalog.get(node.type)
        if spec is None or node.retry is None or (node.retry.max_attempts or 1) == 1:
            return
        if not any(self._mismatches(node.type, node.config)) and not spec.traits(node.config).repeatable:
            message = "This may not safely run twice: a repeated attempt may repeat its effect."
            yield Problem("unsafe_retry", pointer((*path, "retry")), message, severity="warning")

    def _mismatches(self, type: str, config: dict[str, JsonValue]) -> Iterator[tuple[Pointer, str]]:
        if type not in self._validators:
            schema = dict(self._catalog[type].config_schema)
            self._validators[type] = validator_for(schema, offline=True, mask="This value")
        yield from mismatches(self._validators[type], config, scan(config).places)
