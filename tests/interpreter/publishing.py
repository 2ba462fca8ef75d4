"""Documents become plans as they do at publish."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from activities import registry
from activities.activity_type import AnyActivityType
from dag.checks.surroundings import Surroundings
from dag.limits import DEFAULTS, Limits
from dag.plan import Plan
from dag.publish import Published, publish

SURROUNDINGS = Surroundings(
    secrets=frozenset({"token"}), queues=frozenset({"gpu"}), workflows={"child": frozenset()}, newest={"child": 1}
)


def published(document: Mapping[str, Any], *, types: Sequence[AnyActivityType] = (), limits: Limits = DEFAULTS) -> Plan:
    """Publish a document that must have no problems but warnings."""
    known = {**registry.load(), **{each.name: each for each in types}}
    parsed: JsonValue = dict(document)
    result = publish(parsed, version=1, catalog=registry.catalog(known), surroundings=SURROUNDINGS, limits=limits)
    assert isinstance(result, Published), result.problems
    return result.plan
