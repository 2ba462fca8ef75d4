"""Control words that compute: `set`, `transform`, `map`, `filter`, `reduce`, `sort`, `group`, `split`, `merge`."""

from typing import Annotated, Literal

from pydantic import Field

from dag.fields import Count, Expression
from dag.names import VariableName
from dag.node import WithOut
from dag.part import OrTemplate, Part


class SetConfig(Part):
    """Which variables `set` changes."""

    values: Annotated[dict[VariableName, Expression], Field(min_length=1)]
    """New values by name. All see the variables as they were before."""


class Set(WithOut, title="Set"):
    """Changes variables."""

    type: Literal["set"]
    config: SetConfig


class TransformConfig(Part):
    """What `transform` computes."""

    expression: Expression
    """Its result is the output."""


class Transform(WithOut, title="Transform"):
    """Computes a value."""

    type: Literal["transform"]
    config: TransformConfig


class Items(Part):
    """A list to work on."""

    items: Expression
    """Missing or null: no items; a single value: one."""


class MapConfig(Items):
    """What `map` computes for each item."""

    expression: Expression
    """Sees `item` and `index`; null where it yields nothing."""


class Map(WithOut, title="Map"):
    """Computes a value for each item."""

    type: Literal["map"]
    config: MapConfig


class FilterConfig(Items):
    """Which items `filter` keeps."""

    condition: Expression
    """Sees `item` and `index`."""


class Filter(WithOut, title="Filter"):
    """Keeps the items that meet a condition."""

    type: Literal["filter"]
    config: FilterConfig


class ReduceConfig(Items):
    """How `reduce` makes one value of many."""

    initial: Expression
    """The first `result`."""
    expression: Expression
    """The next `result`; sees `result`, `item` and `index`."""


class Reduce(WithOut, title="Reduce"):
    """Makes one value of many items."""

    type: Literal["reduce"]
    config: ReduceConfig


class SortConfig(Items):
    """How `sort` orders."""

    by: Expression
    """The key of an item; sees `item` and `index`. All keys are numbers, or all are text."""
    order: OrTemplate[Literal["ascending", "descending"]] = "ascending"
    """Which end comes first."""


class Sort(WithOut, title="Sort"):
    """Orders items by a key, keeping the order of equals."""

    type: Literal["sort"]
    config: SortConfig


class GroupConfig(Items):
    """How `group` tells items apart."""

    by: Expression
    """The key of an item, as text; sees `item` and `index`."""


class Group(WithOut, title="Group"):
    """Gathers items into lists by key, in order of first appearance."""

    type: Literal["group"]
    config: GroupConfig


class SplitConfig(Items):
    """How `split` cuts."""

    size: OrTemplate[Count]
    """How many items each list has at most."""


class Split(WithOut, title="Split"):
    """Cuts a list into lists."""

    type: Literal["split"]
    config: SplitConfig


class MergeConfig(Part):
    """What `merge` puts together."""

    sources: Annotated[list[Expression], Field(min_length=1)]
    """What is missing or null is left out."""
    mode: OrTemplate[Literal["object", "list", "first", "last"]] = "object"
    """One object (the later wins), a list of the values, or the first or last of them."""


class Merge(WithOut, title="Merge"):
    """Puts several values together."""

    type: Literal["merge"]
    config: MergeConfig
