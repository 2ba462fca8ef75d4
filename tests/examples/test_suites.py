"""Every file of tests in the examples passes, run by the command; what does not hold is told."""

import asyncio
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.api.service import Api, Caller
from tests.examples.publishing import FOLDER

pytestmark = pytest.mark.usefixtures("working")
SUITES = sorted((FOLDER / "tests").glob("*.yaml"))


async def perdure(api: Api, me: Caller, *arguments: str) -> tuple[int, str]:
    """What `perdure test` writes, and how it ends."""
    command = [sys.executable, "-m", "cli.main", "test", *arguments, "--url", api.url, "--api-key", me.key]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    written, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, written.decode()


def names_in(suite: Path) -> list[str]:
    return list(yaml.safe_load(suite.read_text())["tests"])


@pytest.mark.parametrize("suite", SUITES, ids=lambda file: file.stem)
async def test_the_tests_of_an_example_pass(api: Api, me: Caller, suite: Path, tmp_path: Path) -> None:
    junit = tmp_path / "results.xml"
    status, written = await perdure(api, me, str(suite), "--junit", str(junit))
    assert status == 0, written
    names = names_in(suite)
    assert written.splitlines() == [
        *(f"✓ {name}" for name in names),
        f"{len(names)} tests, {len(names)} passed, 0 not; 100 % covered",
    ]
    cases = ElementTree.parse(junit).getroot()
    assert [case.get("name") for case in cases] == names


async def test_what_does_not_hold_is_told_and_ends_with_1(api: Api, me: Caller, tmp_path: Path) -> None:
    nodes = {"sum": {"type": "transform", "config": {"expression": "input.a + 1"}}}
    (tmp_path / "sum.yaml").write_text(yaml.safe_dump({"language": 1, "name": "sum", "nodes": nodes}))
    tests = {
        "right": {"input": {"a": 1}, "assertions": ["output = 2"]},
        "wrong": {"input": {"a": 1}, "assertions": ["output = 3"]},
        "refused": {"mocks": {"som": {"output": 1}}},
    }
    file, junit = tmp_path / "tests.yaml", tmp_path / "results.xml"
    file.write_text(yaml.safe_dump({"workflow": "sum.yaml", "tests": tests}, sort_keys=False))
    status, written = await perdure(api, me, str(file), "--junit", str(junit))
    assert status == 1
    assert written.splitlines() == [
        "✓ right",
        "✗ wrong",
        "    does not hold: output = 3",
        "        it is 2, expected 3",
        "✗ refused",
        "    /mocks/som: `som` is no path of a node in this workflow. Did you mean `sum`?",
        "3 tests, 1 passed, 2 not; 100 % covered",
    ]
    assert ElementTree.parse(junit).getroot().get("failures") == "2"
    status, written = await perdure(api, me, str(file), "--json", "--only", "right")
    assert (status, [each["passed"] for each in json.loads(written)["tests"]]) == (0, [True])
    status, written = await perdure(api, me, "nobody")
    assert (status, "workflow.unknown" in written) == (6, True)
