"""What the checks say, by code. What is wrong with a document in itself has its codes in dag/problems.py."""

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "unknown_type": "This deployment has no such activity type.",
    "invalid_config": "The config of an activity is not what its type asks for.",
    "unknown_node": "No node of that id is in this graph, or around it.",
    "unknown_port": "The node has no such port.",
    "duplicate_edge": "The same edge stands twice.",
    "cycle": "Nodes wait for each other, so that none can start.",
    "join_without_needs": "A join without incoming edges.",
    "join_count": "A join asks for more live edges than lead to it.",
    "field_not_allowed": "A field does not go together with how the node is wired.",
    "misplaced": "A `break`, `continue` or `stop` where it cannot act.",
    "expression.failed": "An expression or a template does not parse.",
    "expression.dynamic": "An expression reads what cannot be known before it runs.",
    "expression.budget": "An expression writes a list that is too long.",
    "unknown_root": "An expression starts from a name that means nothing there.",
    "unknown_field": "An expression reads a field that is not there.",
    "not_upstream": "An expression reads a node that need not have finished by then.",
    "unknown_variable": "A variable is declared by no graph around.",
    "shared_variable": "A `set` in a concurrent loop changes a variable from outside it.",
    "secret_not_allowed": "A secret stands elsewhere than by itself in the config of an activity.",
    "unknown_secret": "There is no such secret.",
    "unknown_queue": "There is no such queue.",
    "unknown_workflow": "There is no such workflow.",
    "unknown_version": "A workflow has no such version.",
    "workflow_cycle": "Workflows start each other in a circle.",
    "never_runs": "No path leads to running this node.",
    "no_deadline": "A task for people that may wait for ever.",
    "endless_loop": "Nothing in the loop can end it.",
    "unsafe_retry": "A type that may not safely run twice is tried again.",
    "sets_at_once": "Two nodes that may run at once set the same variable; the last to run wins.",
}

WARNINGS = frozenset({"never_runs", "no_deadline", "endless_loop", "unsafe_retry", "sets_at_once"})
"""The codes that do not keep a document from being published."""
