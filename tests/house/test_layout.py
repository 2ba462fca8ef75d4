"""What every source file keeps to, so that a newcomer finds what they look for."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
BESIDE = {"benchmarks", "docs", "examples", "tests"}
"""What is no part of the product."""
PACKAGES = sorted({file.parent.name for file in ROOT.glob("*/__init__.py")} - BESIDE)
SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

DRAWERS = {"base", "common", "core", "helper", "helpers", "lib", "misc", "shared", "types", "util", "utils"}
LARGE = 400
LARGER = {
    "interpreter/workflow.py": 630,  # all that is Temporal-shaped stands in one file, so that it can be read in one
    "interpreter/execution.py": 575,  # the one place that hears of everything that happens to nodes
}


def test_every_tool_knows_every_package() -> None:
    assert sorted(SETTINGS["importlinter"]["root_packages"]) == PACKAGES
    assert sorted(SETTINGS["hatch"]["build"]["packages"]) == PACKAGES
    assert sorted(set(SETTINGS["pyright"]["include"]) - BESIDE) == PACKAGES


def test_every_file_begins_by_saying_what_it_is_for() -> None:
    files = [file for file in SOURCES + TESTS if file.name != "__init__.py"]
    silent = [shown(file) for file in files if not file.read_text().startswith(('"""', 'r"""'))]
    assert not silent


def test_every_init_file_is_empty() -> None:
    assert not [shown(file) for file in SOURCES + TESTS if file.name == "__init__.py" and file.read_text()]


def test_no_file_or_folder_is_named_as_a_drawer() -> None:
    names = {part for file in SOURCES + TESTS for part in file.relative_to(ROOT).with_suffix("").parts}
    assert not names & DRAWERS


def test_no_source_file_is_long() -> None:
    lengths = sorted(((len(file.read_text().splitlines()), shown(file)) for file in SOURCES), reverse=True)
    assert not [name for length, name in lengths if length > LARGER.get(name, LARGE)], f"largest: {lengths[:5]}"


def test_no_file_names_a_place_on_one_machine() -> None:
    place = re.compile(r"/(?:home|root|Users|work|tmp)/\w")
    assert not [shown(file) for file in SOURCES + TESTS if place.search(file.read_text())]


def test_the_tests_mirror_the_packages() -> None:
    folders = {folder.name for folder in (ROOT / "tests").iterdir() if folder.is_dir() and any(folder.glob("*.py"))}
    assert folders <= {*PACKAGES, "benchmarks", "conformance", "examples", "faults", "hostile", "house", "reference"}


def test_every_test_promises_something() -> None:
    """A file of tests without a test would stay green for ever."""
    files = [file for file in TESTS if file.name.startswith("test_")]
    assert files
    assert not [shown(file) for file in files if not any(names_of_tests(file))]


def names_of_tests(file: Path) -> list[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions)]
    return [function.name for function in found if function.name.startswith("test_")]


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))
