"""What a tenant has that a definition may name."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Surroundings:
    """Handed in by whoever publishes, so that the checks need no store."""

    secrets: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    workflows: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Published workflows, each with those that its newest version starts and waits in."""
    newest: Mapping[str, int] = field(default_factory=dict[str, int])
    """The numbers of their newest versions; every number below is one too."""
