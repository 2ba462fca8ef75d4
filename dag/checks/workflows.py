"""Checks the workflows that a definition starts: they are there, and none leads back to it."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from dag.checks.guessing import Guess
from dag.controls.reaching import Workflow
from dag.definition import Definition
from dag.places import Path
from dag.problems import Problem, pointer
from dag.sites import Site

Starts = Mapping[str, frozenset[str]]


def check_workflows(
    definition: Definition, sites: Sequence[Site], starts: Starts, newest: Mapping[str, int], guess: Guess
) -> Iterator[Problem]:
    """Check every workflow that is named. `starts` has each published one with those that it starts, `newest` the
    numbers of their newest versions."""
    told = definition.settings.on_failure
    if told is not None and told.workflow != definition.name and told.workflow not in starts:
        yield _unknown(told.workflow, ("settings", "on_failure", "workflow"), starts, guess)
    onward = _onward(definition.name, starts)
    for site in sites:
        for id, node in site.nodes():
            if not isinstance(node, Workflow):
                continue
            name, path = node.config.name, site.at(id, "config", "name")
            if name in onward:
                circle = " → ".join([definition.name, *_way(name, definition.name, onward)])
                yield Problem("workflow_cycle", pointer(path), f"These workflows start each other: {circle}.")
            elif name not in starts:
                yield _unknown(name, path, starts, guess)
            elif isinstance(number := node.config.version, int) and number > newest.get(name, number):
                at = pointer(site.at(id, "config", "version"))
                hint = f"The newest is {newest[name]}."
                yield Problem("unknown_version", at, f"`{name}` has no version {number}.", hint)


def _unknown(name: str, path: Path, starts: Starts, guess: Guess) -> Problem:
    message = f"There is no published workflow `{name}`."
    return Problem("unknown_workflow", pointer(path), message, guess(name, sorted(starts)))


def _onward(goal: str, starts: Starts) -> Mapping[str, str]:
    """For each workflow that leads to `goal`, the next one on the shortest way; the goal leads to itself."""
    callers: dict[str, list[str]] = {}
    for caller, names in starts.items():
        for name in sorted(names):
            callers.setdefault(name, []).append(caller)
    onward = {goal: goal}
    queue = deque([goal])
    while queue:
        name = queue.popleft()
        for caller in callers.get(name, ()):
            if caller not in onward:
                onward[caller] = name
                queue.append(caller)
    return onward


def _way(name: str, goal: str, onward: Mapping[str, str]) -> Iterator[str]:
    yield name
    while name != goal:
        name = onward[name]
        yield name
