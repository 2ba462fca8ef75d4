"""Finds what may go on for ever: tasks for people without a deadline, loops that nothing ends."""

from collections.abc import Iterator, Sequence

from dag.checks.placement import LOOPS
from dag.controls.data import Set
from dag.controls.loops import Repeat, While
from dag.controls.waiting import Approval, Ask
from dag.errors import PerdureError
from dag.expressions import parse
from dag.problems import Problem, pointer
from dag.sites import Site

VARYING = ("$now", "$millis", "$random", "$shuffle")
"""Functions that give something else each turn."""


def check_deadlines(site: Site) -> Iterator[Problem]:
    """Find tasks that may wait for ever."""
    for id, node in site.nodes():
        if isinstance(node, Approval | Ask) and node.config.due is None:
            message = "Without `due` this may wait until the execution times out."
            yield Problem("no_deadline", pointer(site.at(id, "config")), message, "Write `due: 3d`.", "warning")


def check_endings(sites: Sequence[Site]) -> Iterator[Problem]:
    """Find loops whose condition stays as it is, and that nothing inside leaves."""
    setters = [node for site in sites for _, node in site.nodes() if isinstance(node, Set)]
    changing = {name for node in setters for name in node.config.values}
    left = {loop for site in sites for loop in _left(site)}
    for site in sites:
        for id, node in site.nodes():
            match node:
                case While(config=config):
                    field, asked, ends = "condition", config.condition, "false"
                case Repeat(config=config) if config.until is not None:
                    field, asked, ends = "until", config.until, "true"
                case _:
                    continue
            if (site, id) not in left and asked.strip() != ends and _stays(asked, changing):
                message = f"Nothing in the loop changes its `{field}`, and nothing leaves it."
                hint = "It fails after `max_iterations`. Read a variable that the body sets, or use `break`."
                yield Problem("endless_loop", pointer(site.at(id, "config", field)), message, hint, "warning")


def _left(site: Site) -> Iterator[tuple[Site, str]]:
    """The loops that a graph's own nodes can end, each by its graph and id."""
    types = {node.type for _, node in site.nodes()}
    ends_all = not types.isdisjoint(("stop", "fail"))
    if ends_all or "break" in types:
        for around in site.outward():
            if around.parent is not None and around.held_by is not None and around.held_by.type in LOOPS:
                yield around.parent, around.holder
                if not ends_all:
                    return


def _stays(source: str, changing: set[str]) -> bool:
    """Whether an expression gives the same each turn."""
    try:
        roots = parse(source).references.roots
    except PerdureError:
        return False
    variables = roots.get("vars", frozenset())
    reads_change = "loop" in roots or variables is None or not changing.isdisjoint(variables)
    return not reads_change and not any(function in source for function in VARYING)
