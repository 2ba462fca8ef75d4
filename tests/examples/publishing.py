"""Publishes the examples as a reader does, who has set what the example says it needs."""

from pathlib import Path

from activities import registry
from dag.checks.surroundings import Surroundings
from dag.documents import read
from dag.problems import Problem
from dag.publish import Published, publish

FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
SECRETS = {"payments_key": "pk-8f2e-4417"}


def published(name: str) -> Published:
    """Publish an example, which must not be refused."""
    document = read((FOLDER / f"{name}.yaml").read_bytes(), format="yaml")
    catalog = registry.catalog(registry.load())
    others = {other: frozenset[str]() for other in NAMES if other != name}
    surroundings = Surroundings(secrets=frozenset(SECRETS), workflows=others)
    version = publish(document, version=1, catalog=catalog, surroundings=surroundings)
    assert isinstance(version, Published), version.problems
    return version


def problems(name: str) -> tuple[Problem, ...]:
    """What an example is warned of."""
    return published(name).problems
