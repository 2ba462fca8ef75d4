"""From a document to a plan: the one way to publish, and to learn all that keeps a document from it."""

from dataclasses import dataclass

from pydantic import JsonValue

from dag.activity_type import Catalog
from dag.check import check
from dag.checks.surroundings import Surroundings
from dag.compile import compile
from dag.definition import Definition, parse
from dag.limits import DEFAULTS, Limits
from dag.plan import Plan
from dag.problems import Problem
from dag.sites import sites


@dataclass(frozen=True)
class Published:
    """A version as it was written and as it runs. The problems are warnings."""

    definition: Definition
    plan: Plan
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Refused:
    """Everything that is wrong, and what is doubtful."""

    problems: tuple[Problem, ...]


def review(
    document: JsonValue, *, catalog: Catalog, surroundings: Surroundings, limits: Limits = DEFAULTS
) -> tuple[Problem, ...]:
    """Tell all problems of a draft. What does not run yet is none."""
    parsed = parse(document, limits=limits)
    if parsed.definition is None:
        return parsed.problems
    graphs = sites(parsed.definition)
    found = check(parsed.definition, graphs, catalog=catalog, surroundings=surroundings)
    return tuple(dict.fromkeys((*parsed.problems, *found)))


def publish(
    document: JsonValue, *, version: int, catalog: Catalog, surroundings: Surroundings, limits: Limits = DEFAULTS
) -> Published | Refused:
    """Make the plan of a document, or tell all its problems at once. Never an exception, whatever the document."""
    parsed = parse(document, limits=limits)
    if parsed.definition is None:
        return Refused(parsed.problems)
    graphs = sites(parsed.definition)
    found = check(parsed.definition, graphs, catalog=catalog, surroundings=surroundings)
    problems = tuple(dict.fromkeys((*parsed.problems, *found)))
    if any(problem.severity == "error" for problem in problems):
        return Refused(problems)
    plan = compile(parsed.definition, graphs, version=version, catalog=catalog, newest=surroundings.newest)
    return Published(parsed.definition, plan, problems)
