"""A graph as written: nodes in their order, variables and an output. Documents, loop bodies and branches are graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dag.fields import Template
from dag.names import NodeId, VariableName
from dag.part import Part

if TYPE_CHECKING:
    from dag.definition import Node


class Graph(Part):
    """Nodes and the edges between them, with variables of their own. A graph sees what encloses it."""

    role = "graph"

    vars: dict[VariableName, Template] = {}
    """Variables and their first values, fresh each time the graph runs."""
    nodes: dict[NodeId, Node]
    """The nodes by their ids. Those that become ready at the same moment start in the written order."""
    output: Template = None
    """What the graph gives. Without it: the outputs of its end nodes."""

    @property
    def has_output(self) -> bool:
        """Whether an output is written; a written null is one."""
        return "output" in self.model_fields_set
