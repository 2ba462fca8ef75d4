"""The verb that runs tests of workflows: of a file, or those that are kept with a workflow."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import typer
from pydantic import JsonValue

from cli import local
from cli.definitions import STDIN, File, read
from cli.outcomes import Exit, Misused
from cli.replies import Flaw, RefusedByProblem, Suite, Tested
from cli.server import Api, ApiKey, Data, Url, connected, segment
from dag.documents import DocumentInvalid
from dag.documents import read as parsed

ENDINGS = (".yaml", ".yml", ".json")
AT_ONCE = 55
"""Seconds that one request waits."""
PAUSE = 0.5


def rehearse(
    subject: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A file with tests, or a workflow's name or id.")],
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="TEST", help="Only the test of this name.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Of a stored workflow; otherwise its draft.")] = None,
    patience: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds in which each test must end.")] = 300,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the results as JSON.")] = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Run tests of workflows. Nothing in them has effects but what they name as real."""
    from cli.results import as_junit, shown, summed_up

    results: list[Tested] = []
    with connected(url, api_key, data) as api:
        tests = _of_file(subject, version) if _is_file(subject) else _kept(api, subject, version, only)
        for name, address, body in tests:
            if only and name not in only:
                continue
            results.append(_ran(api, name, address, body, patience=patience))
            if not as_json:
                shown(results[-1])
    if only and (unknown := set(only) - {result.name for result in results}):
        raise Misused(f"There is no test `{min(unknown)}` in {subject}.")
    if junit is not None:
        _write(junit, as_junit(subject, results))
    summed_up(results, as_json=as_json)
    if not all(result.passed for result in results):
        raise typer.Exit(Exit.FAILED)


Test = tuple[str, str, dict[str, JsonValue]]
"""The name, the address that runs it, and what is sent there."""


def _is_file(subject: str) -> bool:
    return subject == STDIN or subject.endswith(ENDINGS) or Path(subject).is_file()


def _kept(api: Api, workflow: str, version: str | None, only: list[str] | None) -> Iterator[Test]:
    names = only or [case.name for page in _pages(api, workflow, version) for case in page.items]
    for name in names:
        yield name, f"/workflows/{segment(workflow)}/test", {"name": name, **_versioned(version)}


def _pages(api: Api, workflow: str, version: str | None) -> Iterator[Suite]:
    after: str | None = None
    while True:
        path = f"/workflows/{segment(workflow)}/tests"
        page = api.get(path, limit=500, version=version, cursor=after).read(Suite)
        yield page
        if page.next is None:
            return
        after = page.next


def _of_file(name: str, version: str | None) -> Iterator[Test]:
    file = read(name)
    written = _mapping(file)
    subject, tests = written.get("workflow"), written.get("tests")
    if not isinstance(subject, str) or not isinstance(tests, dict) or not tests or set(written) - {"workflow", "tests"}:
        raise Misused(
            f"{file.name} has `workflow`, the name of one or a file with its definition, and `tests`, which have names."
        )
    if subject.endswith(ENDINGS):
        folder = Path() if name == STDIN else Path(name).parent
        address, also = "/workflows/test", {"definition": cast(JsonValue, _mapping(read(str(folder / subject))))}
    else:
        address, also = f"/workflows/{segment(subject)}/test", _versioned(version)
    for test, case in tests.items():
        if not isinstance(case, dict | None):
            raise Misused(f"The test `{test}` in {file.name} is no object.")
        yield test, address, {**also, **(case or {})}


def _mapping(file: File) -> dict[str, JsonValue]:
    try:
        written = parsed(file.text, format="json" if file.media_type == "application/json" else "yaml")
    except DocumentInvalid as wrong:
        first = wrong.problems[0]
        raise Misused(f"{file.name} cannot be read: {first.message}") from wrong
    if not isinstance(written, dict):
        raise Misused(f"{file.name} holds no object.")
    return written


def _versioned(version: str | None) -> dict[str, JsonValue]:
    if version is None:
        return {}
    return {"version": int(version) if version.isdecimal() else version}


def _ran(api: Api, name: str, address: str, body: dict[str, JsonValue], *, patience: int) -> Tested:
    until = time.monotonic() + patience
    try:
        told = api.post(address, json=body, wait=min(AT_ONCE, patience)).read(Tested)
    except RefusedByProblem as refused:
        flaws = refused.problem.problems or [Flaw(code=refused.problem.code, path="", message=refused.problem.detail)]
        return Tested(name=name, passed=False, problems=flaws)
    while told.passed is None and time.monotonic() < until:
        time.sleep(PAUSE)
        told = api.get(f"/workflows/executions/{told.execution}/test").read(Tested)
    return told.model_copy(update={"name": name})


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as wrong:
        raise Misused(f"{file} cannot be written: {wrong.strerror}.") from wrong
