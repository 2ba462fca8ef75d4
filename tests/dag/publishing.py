"""A small deployment and tenant for the tests of checks and plans."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import JsonValue

from dag.activity_type import Catalog, Traits, TypeSpec
from dag.checks.surroundings import Surroundings
from dag.documents import DocumentInvalid, read
from dag.problems import Problem
from dag.publish import Published, Refused, publish, review

STEP: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {"value": {}, "count": {"type": "integer"}},
    "additionalProperties": False,
}
FETCH: Mapping[str, JsonValue] = {
    "type": "object",
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "format": "uri"},
        "method": {"enum": ["GET", "POST"], "default": "GET"},
        "retries": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "body": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["kind", "text"],
                    "properties": {"kind": {"const": "raw"}, "text": {"type": "string"}},
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "required": ["kind", "fields"],
                    "properties": {"kind": {"const": "form"}, "fields": {"type": "object"}},
                    "additionalProperties": False,
                },
            ]
        },
    },
    "additionalProperties": False,
}


def _reads(config: Mapping[str, JsonValue]) -> Traits:
    reads = config.get("method", "GET") == "GET"
    return Traits(effects=not reads, repeatable=reads)


CATALOG: Catalog = {
    "test.step": TypeSpec("test.step", "Step", STEP, {}, timedelta(seconds=10), lambda _: Traits()),
    "test.fetch": TypeSpec("test.fetch", "Fetch", FETCH, {}, timedelta(seconds=30), _reads),
}
SURROUNDINGS = Surroundings(
    secrets=frozenset({"token"}),
    queues=frozenset({"gpu"}),
    workflows={
        "invoices": frozenset(),
        "calls-bad": frozenset({"bad"}),
        "calls-calls-bad": frozenset({"invoices", "calls-bad"}),
    },
    newest={"invoices": 3},
)


def published(document: Any) -> Published | Refused:
    return publish(document, version=1, catalog=CATALOG, surroundings=SURROUNDINGS)


def reviewed(document: Any) -> tuple[Problem, ...]:
    return review(document, catalog=CATALOG, surroundings=SURROUNDINGS)


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    """Everything said of a text, from reading it to compiling it."""
    try:
        document = read(text, format="json" if text[:1] in ("{", b"{") else "yaml")
    except DocumentInvalid as refused:
        return refused.problems
    return published(document).problems


def places(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    """Codes and pointers, without what is only doubtful."""
    return sorted((problem.code, problem.path) for problem in problems if problem.severity == "error")
