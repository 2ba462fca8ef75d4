"""Checks a definition as a whole: everything that the model of its parts cannot see."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from dag.activity_type import Catalog
from dag.checks.activities import ActivityChecks
from dag.checks.edges import check_cycles, check_edges, check_joins, check_on_error
from dag.checks.guessing import Guess, guesser
from dag.checks.input import check_input
from dag.checks.placement import check_placement
from dag.checks.references import check_references, check_settings
from dag.checks.running import check_running
from dag.checks.surroundings import Surroundings
from dag.checks.variables import check_sets, check_sets_at_once
from dag.checks.waiting import check_deadlines, check_endings
from dag.checks.workflows import check_workflows
from dag.definition import Definition
from dag.problems import MOST_PROBLEMS, Problem, told
from dag.sites import Site


def check(
    definition: Definition, sites: Sequence[Site], *, catalog: Catalog, surroundings: Surroundings
) -> tuple[Problem, ...]:
    """Tell everything that is wrong with a definition, then what is doubtful, as far as it can be read."""
    guess = guesser()
    activities = ActivityChecks(catalog, surroundings.queues, guess)
    errors = chain(
        check_input(definition),
        check_settings(definition, guess),
        check_workflows(definition, sites, surroundings.workflows, surroundings.newest, guess),
        chain.from_iterable(_errors(site, activities, surroundings, guess) for site in sites),
    )
    doubts = chain(
        chain.from_iterable(_doubts(site, activities) for site in sites),
        check_endings(sites),
        check_sets_at_once(sites),
    )
    return (*told(list(islice(errors, MOST_PROBLEMS + 1))), *islice(doubts, MOST_PROBLEMS))


def _errors(site: Site, activities: ActivityChecks, surroundings: Surroundings, guess: Guess) -> Iterator[Problem]:
    yield from check_edges(site, guess)
    yield from check_cycles(site)
    yield from check_joins(site)
    yield from check_on_error(site)
    yield from check_placement(site)
    yield from activities.errors(site)
    yield from check_sets(site, guess)
    yield from check_references(site, surroundings.secrets, guess)


def _doubts(site: Site, activities: ActivityChecks) -> Iterator[Problem]:
    yield from activities.warnings(site)
    yield from check_running(site)
    yield from check_deadlines(site)
