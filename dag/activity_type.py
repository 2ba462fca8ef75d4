"""What the compiler must know of an activity type; only a name leads from the language to the code that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue


@dataclass(frozen=True)
class Traits:
    """What a type says of one node, by that node's config (templates not yet rendered)."""

    effects: bool = True
    """Whether running it changes anything outside. Without, it may run as a local activity, and again after a crash."""
    repeatable: bool = False
    """Whether it may safely run twice: three attempts by default instead of one."""


@dataclass(frozen=True)
class TypeSpec:
    """An activity type as the language sees it."""

    name: str
    title: str
    config_schema: Mapping[str, JsonValue]
    output_schema: Mapping[str, JsonValue]
    timeout: timedelta
    traits: Callable[[Mapping[str, JsonValue]], Traits]
    description: str = ""


Catalog = Mapping[str, TypeSpec]
"""Every activity type that this deployment has, by name."""
