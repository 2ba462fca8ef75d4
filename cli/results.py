"""Writes the results of tests for people to read, and for machines."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson
import typer
from pydantic import JsonValue

from cli.plain import clean, clean_json
from cli.replies import Asserted, Tested
from dag.testing.coverage import Coverage, merged

LONGEST = 200
"""Characters of a value in a line."""
LISTED = 10


def shown(result: Tested) -> None:
    """One test: a line, and what does not hold in it."""
    mark = "✓" if result.passed else "…" if result.passed is None else "✗"
    typer.echo(clean(f"{mark} {result.name}"))
    for line in _reasons(result):
        typer.echo(clean(f"    {line}"))


def summed_up(results: Sequence[Tested], *, as_json: bool) -> None:
    """All of them together."""
    went = _coverage(results)
    if as_json:
        told = {
            "passed": all(result.passed for result in results),
            "tests": [result.model_dump(mode="json") for result in results],
            "coverage": {"nodes": dict(went.nodes), "edges": dict(went.edges), "percent": went.percent},
        }
        typer.echo(clean_json(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()))
        return
    passed = sum(result.passed is True for result in results)
    typer.echo(f"{len(results)} tests, {passed} passed, {len(results) - passed} not; {went.percent:g} % covered")
    left = [name for name, was in {**went.nodes, **went.edges}.items() if not was]
    if left:
        more = f" and {len(left) - LISTED} more" if len(left) > LISTED else ""
        typer.echo(clean(f"not reached: {', '.join(left[:LISTED])}{more}"))


def as_junit(subject: str, results: Sequence[Tested]) -> str:
    """As build servers read it."""
    failed = sum(result.passed is not True for result in results)
    suite = Element("testsuite", name=clean(subject), tests=str(len(results)), failures=str(failed))
    for result in results:
        case = SubElement(suite, "testcase", classname=clean(subject), name=clean(result.name or ""))
        if result.passed is not True:
            reasons = [clean(line) for line in _reasons(result)]
            SubElement(case, "failure", message=reasons[0] if reasons else "failed").text = "\n".join(reasons)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _reasons(result: Tested) -> Iterator[str]:
    for flaw in result.problems:
        yield f"{flaw.path or '/'}: {flaw.message}" + (f" {flaw.hint}" if flaw.hint else "")
    if result.passed is None:
        yield f"It has not ended in time: {result.execution} is {result.status}."
    if result.passed is not False:
        return
    if result.error is not None:
        where = f" at {result.error.path}" if result.error.path else ""
        yield f"The execution {result.execution} has failed{where}: {result.error.message} ({result.error.code})"
    elif result.status not in (None, "succeeded"):
        yield f"The execution {result.execution} is {result.status}."
    for asserted in result.assertions:
        if not asserted.passed:
            yield from _differs(asserted)


def _differs(asserted: Asserted) -> Iterator[str]:
    yield f"does not hold: {asserted.expression}"
    if asserted.error is not None:
        yield f"    {asserted.error.message} ({asserted.error.code})"
    for each in asserted.diff:
        if each.missing:
            told = f"nothing, expected {_written(each.expected)}"
        elif each.unexpected:
            told = f"{_written(each.actual)}, expected nothing"
        else:
            told = f"{_written(each.actual)}, expected {_written(each.expected)}"
        yield f"    {each.path or 'it'} is {told}"
    if not asserted.diff and asserted.error is None:
        yield f"    it yields {_written(asserted.actual)}"


def _written(value: JsonValue) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _coverage(results: Sequence[Tested]) -> Coverage:
    return merged(Coverage(each.coverage.nodes, each.coverage.edges) for each in results)
