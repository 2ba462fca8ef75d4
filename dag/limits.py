"""How much a document may ask for: the language's limits, some of which a tenant's plan changes."""

from dataclasses import dataclass
from datetime import timedelta

LARGEST_INTEGER = 2**53
"""Integers beyond it, on either side, do not survive a JSON reader that knows floats only; they are refused."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Every limit with its default. A tenant's plan may change those after `execution_time`, itself included."""

    nodes: int = 10_000
    """Nodes of a workflow, in all its graphs."""
    levels: int = 32
    """Graphs within each other."""
    document_bytes: int = 5 * 1024 * 1024
    """Size of a document as text."""
    document_depth: int = 240
    """Objects and lists within each other. 32 levels of graphs need at most 6 each; JSON writers give up at 254."""
    document_values: int = 1_000_000
    """Keys and values in all, so that few bytes of YAML aliases cannot become much memory."""
    expression_bytes: int = 64 * 1024
    """Size of one expression."""
    subworkflow_levels: int = 20
    """Workflows that are started by each other and waited for."""
    execution_time: timedelta = timedelta(days=365)
    """How long an execution lasts."""
    payload_bytes: int = 20 * 1024 * 1024
    """Size of an input, of an output, and of the output of a node."""
    payload_values: int = 1_000_000
    """Keys and values in all of an input or an output."""
    for_each_items: int = 100_000
    """Items of one `for_each`."""
    turns_at_once: int = 2_000
    """Turns of one `for_each` that run at once."""
    graphs_at_once: int = 10_000
    """Turns, branches and parts of `try` of one execution that run at once."""
    iterations: int = 1_000_000
    """What `max_iterations` may be set to."""
    activities_in_flight: int = 500
    """Activities of one execution that run at once."""


DEFAULTS = Limits()
