"""All executions with graphs within graphs that were worked out by hand."""

from tests.reference.examples_of_branches import BRANCHES
from tests.reference.examples_of_compensations import COMPENSATIONS
from tests.reference.examples_of_graphs import GRAPHS
from tests.reference.examples_of_loops import LOOPS
from tests.reference.examples_of_tries import TRIES

CONSTRUCTS = [*LOOPS, *BRANCHES, *TRIES, *COMPENSATIONS, *GRAPHS]
