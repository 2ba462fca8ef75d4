"""Finds every activity type of this deployment: the files beside this one, and the entry points of plug-ins."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import MappingProxyType

import activities
from activities.activity_type import ActivityType, AnyActivityType
from dag.activity_type import Catalog
from dag.errors import PerdureError

GROUP = "perdure.activities"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}")


class ActivityTypeRefused(PerdureError):
    """An activity type is declared in a way that cannot be used."""


@cache
def load() -> Mapping[str, AnyActivityType]:
    """Find all activity types, by name and in the order of their names. A process looks for them once."""
    found: dict[str, AnyActivityType] = {}
    for place, name, declared in [*_own(), *_plugged_in()]:
        if not isinstance(declared, ActivityType):
            raise ActivityTypeRefused(f"{place} declares no ActivityType.")
        if declared.name != name:
            raise ActivityTypeRefused(f"{place} declares `{declared.name}`, but its place says `{name}`.")
        if not NAME.fullmatch(name):
            raise ActivityTypeRefused(f"{place}: `{name}` is no `family.name` in small letters, digits and `_`.")
        if name.startswith("perdure."):
            raise ActivityTypeRefused(f"{place}: the family `perdure` belongs to the product itself.")
        if name in found:
            raise ActivityTypeRefused(f"{place}: there is another activity type `{name}` already.")
        found[name] = declared
    return MappingProxyType(dict(sorted(found.items())))


def catalog(types: Mapping[str, AnyActivityType]) -> Catalog:
    """The same as the language sees it."""
    return MappingProxyType({name: declared.spec for name, declared in types.items()})


def _own() -> Iterator[tuple[str, str, object]]:
    for family in iter_modules(activities.__path__):
        if family.ispkg:
            package = import_module(f"activities.{family.name}")
            for module in iter_modules(package.__path__):
                place = f"activities.{family.name}.{module.name}"
                yield place, f"{family.name}.{module.name}", getattr(import_module(place), "TYPE", None)


def _plugged_in() -> Iterator[tuple[str, str, object]]:
    for entry in entry_points(group=GROUP):
        yield f"The entry point {entry.name} = {entry.value}", entry.name, entry.load()
