"""The reference says what the code says: written anew, no page differs from what is kept."""

import ast
from pathlib import Path

import pytest

from dag.checks import codes as checks
from dag.controls.words import WORDS
from dag.problems import CODES
from docs.generator.errors import FAMILIES, classes, errors
from docs.generator.language import language
from docs.generator.pages import FOLDER, PAGES

ROOT = Path(__file__).parents[2]
PACKAGES = sorted({file.parent.name for file in ROOT.glob("*/__init__.py")} - {"benchmarks", "docs"})


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_page_is_stale(name: str) -> None:
    kept = FOLDER / name
    assert kept.exists(), f"docs/reference/{name} is missing: run `make docs`, then commit it"
    assert kept.read_text() == PAGES[name](), f"docs/reference/{name} is stale: run `make docs`, then commit it"


def test_every_page_is_written_by_the_generator() -> None:
    assert {file.name for file in FOLDER.glob("*")} == set(PAGES)


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    assert not [name for name in PAGES if f"(reference/{name})" not in index]


def test_every_code_that_stands_in_the_code_is_in_the_reference() -> None:
    page = errors()
    named = {code for package in PACKAGES for file in (ROOT / package).rglob("*.py") for code in codes_in(file)}
    assert {"join.unsatisfiable", "http.network", "worker.lost"} <= named
    assert not [code for code in sorted(named) if f"`{code}`" not in page]


def test_every_error_says_what_is_wrong() -> None:
    assert not [each.__name__ for each in classes() if not (each.__doc__ or "").strip()]


def test_every_family_has_a_code() -> None:
    page = errors().partition("## Codes")[2]
    assert not [family for family in FAMILIES if f"`{family}" not in page]


def test_every_control_word_and_problem_has_its_place() -> None:
    page = language()
    assert not [word for word in WORDS if f"\n### {word}\n" not in page]
    assert not [code for code in {*CODES, *checks.CODES} if f"\n| `{code}` |" not in page]
    assert set(checks.CODES) >= checks.WARNINGS


def codes_in(file: Path) -> set[str]:
    """What is written as the code of an error, in a class or where one is made."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.ClassDef(bases=[_, *_]):
                found |= {text for statement in node.body if (text := assigned(statement))}
            case ast.Call(func=ast.Name(id="ErrorValue")):
                given = [word.value for word in node.keywords if word.arg == "code"]
                found |= {str(one.value) for one in given if isinstance(one, ast.Constant)}
            case _:
                pass
    return found


def assigned(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(text))):
            return text
        case _:
            return None
