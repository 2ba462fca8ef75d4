"""Checks the JSON Schema of the input."""

from collections.abc import Iterator
from dataclasses import replace

from dag.definition import Definition
from dag.inputs import schema_problems
from dag.problems import Problem


def check_input(definition: Definition) -> Iterator[Problem]:
    """Check the schema, with the places in it as places in the document."""
    for problem in schema_problems(definition.input):
        yield replace(problem, path="/input" + problem.path)
