"""An execution worked out by hand from LANGUAGE: a document, a script, and how it must end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.reference.document import Document
from tests.reference.script import Acknowledges, Behaviour, Raises, Returns, Script


@dataclass(frozen=True)
class Example:
    """A document, what the world does, and how it must end."""

    sentence: str
    text: str
    """The document without `language` and `name`, as YAML."""
    nodes: Mapping[str, str]
    """How each node run ends, by path."""
    activities: Mapping[str, Behaviour] = field(default_factory=dict[str, Behaviour])
    turns: Mapping[str, tuple[Behaviour, ...]] = field(default_factory=dict[str, tuple[Behaviour, ...]])
    input: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cancel_at: float | None = None
    status: str = "succeeded"
    output: Any = None
    code: str | None = None
    culprit: str | None = None
    path: str | None = None
    """Of the run of that node, where that is not its id."""
    causes: tuple[str, ...] = ()
    ports: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    order: tuple[str, ...] | None = None
    """Of the document's own graph."""
    compensated: tuple[str, ...] = ()
    """The compensations, in the order in which they run."""
    configs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def document(self) -> Document:
        return {"language": 1, "name": "example", **yaml.safe_load(self.text)}

    @property
    def script(self) -> Script:
        return Script(input=self.input, activities=self.activities, turns=self.turns, cancel_at=self.cancel_at)


def ends(takes: float, output: Any = None, *, asked: Returns | Raises | None = None, after: float = 0) -> Behaviour:
    """An activity that returns, unless it is asked to stop before."""
    return Behaviour(takes, Returns(output), after, asked or Acknowledges())


def fails(takes: float, code: str = "user.no") -> Behaviour:
    """An activity that fails."""
    return Behaviour(takes, Raises(code))
