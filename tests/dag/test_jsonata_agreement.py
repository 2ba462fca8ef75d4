"""Expressions yield here what they yield in JSONata's reference implementation, which is what the editor runs."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from dag.errors import PerdureError
from dag.expressions import INLINE, MISSING, WIDE, ExpressionBudget, Moment, evaluate, parse
from tests.dag.jsonata_cases import ORDER, expressions

REFERENCE = Path(__file__).parent / "jsonata_reference"
INSTALLED = Path(__file__).parents[2] / ".tools"
SEED = 20_261_121
MOMENT = Moment(now_ms=1_700_000_000_000, seed=1)


@pytest.fixture(scope="module")
def cases() -> list[str]:
    """What publishing would let pass."""
    return [source for source in expressions(SEED, 900) if accepted(source)]


@pytest.fixture(scope="module")
def reference(cases: list[str]) -> list[dict[str, Any]]:
    """The answers of the reference implementation, all from one process."""
    asked = json.dumps([[source, ORDER] for source in cases])
    node = Path(sys.executable).with_name("node")
    command = [node, REFERENCE / "answer.mjs"]
    done = subprocess.run(command, cwd=installed(), input=asked.encode(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.timeout(180)
def test_expressions_yield_what_the_reference_says(cases: list[str], reference: list[dict[str, Any]]) -> None:
    answers = [(source, told, ours(source)) for source, told in zip(cases, reference, strict=True)]
    wrong = [answer for answer in answers if not agree(*answer[1:])]
    assert not wrong, wrong[:5]
    # Where two parts of a list or an object fail, the reference, which evaluates them side by side, may name the other.
    other = [answer for answer in answers if answer[1] != answer[2]]
    assert len(other) < len(answers) / 100, other[:5]


def test_the_cases_are_worth_asking(cases: list[str], reference: list[dict[str, Any]]) -> None:
    kinds = [told["kind"] for told in reference]
    assert len(cases) > 500
    assert kinds.count("value") > len(cases) / 3
    assert kinds.count("fault") > 20
    assert kinds.count("nothing") > 20


def test_what_may_run_in_this_process_yields_the_same_there(cases: list[str]) -> None:
    inside = 0
    for source in cases:
        try:
            found = evaluate(source, ORDER, MOMENT, INLINE)
        except ExpressionBudget:
            continue
        except PerdureError as error:
            found = type(error)
        try:
            apart = evaluate(source, ORDER, MOMENT, WIDE)
        except PerdureError as error:
            apart = type(error)
        assert found == apart, source
        inside += 1
    assert inside > len(cases) / 2


def agree(told: dict[str, Any], found: dict[str, Any]) -> bool:
    return told == found or told["kind"] == found["kind"] == "fault"


def ours(source: str) -> dict[str, Any]:
    try:
        value = evaluate(source, ORDER, MOMENT, WIDE)
    except PerdureError as error:
        details = error.details if isinstance(error.details, dict) else {}
        return {"kind": "fault", "code": details["reason"]}
    return {"kind": "nothing"} if value is MISSING else {"kind": "value", "value": value}


def accepted(source: str) -> bool:
    try:
        parse(source)
    except PerdureError:
        return False
    return True


def installed() -> Path:
    """Where the reference implementation lies, installed once for each lock file."""
    version = hashlib.sha256((REFERENCE / "package-lock.json").read_bytes()).hexdigest()[:12]
    place = INSTALLED / f"jsonata-{version}"
    if not place.exists():
        INSTALLED.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=INSTALLED) as beside:
            fresh = Path(shutil.copytree(REFERENCE, Path(beside) / "jsonata"))
            scripts = Path(sys.executable).parent
            environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
            subprocess.run([scripts / "npm", "ci"], cwd=fresh, env=environment, check=True, capture_output=True)
            try:
                fresh.rename(place)
            except OSError:  # another test process was quicker
                assert place.exists()
    return place
