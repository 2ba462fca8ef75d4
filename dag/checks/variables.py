"""Checks the nodes that set variables: each is declared around, and no two turns or nodes set one at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from dag.checks.guessing import Guess
from dag.checks.references import undeclared
from dag.controls.data import Set
from dag.controls.loops import ForEach
from dag.places import Path
from dag.problems import Problem, pointer
from dag.sites import Site
from dag.wiring.exclusion import exclusion

MOST_COMPARED = 20
"""Other nodes that each `set` is compared with, at most: thousands of cases may each set the same variable."""


def check_sets(site: Site, guess: Guess) -> Iterator[Problem]:
    """Check every variable that a graph's nodes set."""
    for id, node in site.nodes():
        for name in node.config.values if isinstance(node, Set) else ():
            path = pointer(site.at(id, "config", "values", name))
            declarer = site.declarer(name)
            if declarer is None:
                yield undeclared(name, path, site, guess)
            elif (loop := _concurrent_loop(site, declarer)) is not None:
                message = f"Turns of `{loop}` run at once, and `{name}` is declared outside it."
                hint = "Declare it in the loop's body, set `concurrency: 1`, or use the loop's `result`."
                yield Problem("shared_variable", path, message, hint)


def check_sets_at_once(sites: Sequence[Site]) -> Iterator[Problem]:
    """Find nodes that may run at once and set the same variable, one for each that does so."""
    written: dict[tuple[Site, str, Site], list[_Setting]] = {}
    for site in sites:
        for id, node in site.nodes():
            for name in node.config.values if isinstance(node, Set) else ():
                if (declarer := site.declarer(name)) is not None:
                    path = site.at(id, "config", "values", name)
                    for around, holder, inside in site.ways_out(id, declarer):
                        here = written.setdefault((declarer, name, around), [])
                        here.append(_Setting(around.wired.place[holder], inside, path))
    for (_, name, site), settings in written.items():
        yield from _at_once(site, name, settings)


@dataclass(frozen=True)
class _Setting:
    """A node of one graph that sets a variable, itself or by what stands `inside` it; the path of what is written."""

    node: int
    inside: Path
    path: Path


def _at_once(site: Site, name: str, settings: Sequence[_Setting]) -> Iterator[Problem]:
    first: dict[int, _Setting] = {}
    for setting in settings:
        other = first.setdefault(setting.node, setting)
        if other.inside != setting.inside and site.graph.nodes[site.wired.ids[setting.node]].type == "parallel":
            yield _warning(name, setting, other)
    if len(first) < 2 or not site.wired.is_acyclic:
        return
    exclusive = exclusion(site.wired.edges, site.wired.incoming, site.wired.backward[::-1])
    all_bits = sum(1 << node for node in first)
    for node in sorted(first):
        beside = all_bits & ~site.wired.above[node] & ~site.wired.below[node] & ((1 << node) - 1)
        other = next((one for one in islice(_members(beside), MOST_COMPARED) if not exclusive(one, node)), None)
        if other is not None:
            yield _warning(name, first[node], first[other])


def _members(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _warning(name: str, setting: _Setting, other: _Setting) -> Problem:
    message = f"This may run at the same time as {pointer(other.path)}; of the two values the last one stays."
    hint = f"Let one need the other, or use two variables in place of `{name}`."
    return Problem("sets_at_once", pointer(setting.path), message, hint, "warning")


def _concurrent_loop(site: Site, declarer: Site) -> str | None:
    """The loop between a graph and one around it whose turns run at once."""
    for around in site.outward():
        if around is declarer:
            return None
        if isinstance(around.held_by, ForEach) and around.held_by.config.concurrency != 1:
            return around.holder
    return None
