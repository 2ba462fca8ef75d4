"""The closed set of control words, each with its node and config models."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from dag.controls.branching import If, Switch
from dag.controls.data import Filter, Group, Map, Merge, Reduce, Set, Sort, Split, Transform
from dag.controls.grouping import Parallel, Try
from dag.controls.loops import Break, Continue, ForEach, Repeat, While
from dag.controls.reaching import EmitEvent, Fail, Stop, Workflow
from dag.controls.waiting import Approval, Ask, Delay, WaitEvent

Control = (
    If
    | Switch
    | ForEach
    | While
    | Repeat
    | Break
    | Continue
    | Parallel
    | Try
    | Set
    | Transform
    | Map
    | Filter
    | Reduce
    | Sort
    | Group
    | Split
    | Merge
    | Delay
    | Approval
    | Ask
    | WaitEvent
    | EmitEvent
    | Workflow
    | Stop
    | Fail
)
"""A node of any control word."""

WORDS: Mapping[str, type[Control]] = MappingProxyType(
    {get_args(node.model_fields["type"].annotation)[0]: node for node in get_args(Control)}
)
"""The node model of each control word, in the order of the language's table."""
