"""What the documents say is there: links lead somewhere, commands and paths exist."""

import hashlib
import re
import runpy
import subprocess
from pathlib import Path
from typing import cast

import pytest

from activities.activity_type import AnyActivityType
from activities.context import Context

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md"), *ROOT.glob("examples/*.md")]
)
DECISIONS = ROOT / "docs" / "decisions"

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`\n]*`")
"""A pattern in it may look like a link. The text of a link may be code, and is not looked at."""
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"\bmake ([a-z-]+)(?=[`\s.,;:)]|$)")
PATH = re.compile(r"`([a-z_.]+/[\w/.-]*)`")
MADE = (".perdure/", ".tools/", ".venv/")
TARGET = re.compile(r"^([a-z-]+):(?!=).*?(## .+)?$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = LINK.findall(CODE.sub("code", document.read_text()))
    assert not [link for link in links if "://" not in link and not leads(document, link)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_paths_that_are_named_exist(document: Path) -> None:
    named = [path for path in PATH.findall(document.read_text()) if not path.startswith(MADE)]
    assert not [path for path in named if not (ROOT / path).exists() and not (document.parent / path).exists()]


def test_the_layout_shows_what_is_there() -> None:
    shown = layout()
    assert not [path for path in shown if not (ROOT / path).exists()]
    packages = {f"{file.parent.name}/" for file in ROOT.glob("*/__init__.py")}
    assert packages <= set(shown)


def test_commands_that_are_named_exist() -> None:
    named = {command for document in DOCUMENTS for command in code_commands(document)}
    assert named
    assert named <= set(targets())


def test_every_command_says_what_it_does() -> None:
    assert not [name for name, text in targets().items() if not text]
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[1] for line in said.splitlines()} == set(targets())


def test_the_readme_names_every_command() -> None:
    assert set(code_commands(ROOT / "README.md")) >= set(targets()) - {"help"}


def test_every_decision_is_in_the_index() -> None:
    index = (DECISIONS / "README.md").read_text()
    files = [file.name for file in DECISIONS.glob("*.md") if file.name != "README.md"]
    assert files
    assert not [name for name in files if f"({name})" not in index]


async def test_the_example_of_an_activity_type_runs(tmp_path: Path) -> None:
    example = tmp_path / "hash.py"
    example.write_text(re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[0])
    declared = cast(AnyActivityType, runpy.run_path(str(example))["TYPE"])
    output = await declared.attempt({"text": "perdure"}, cast(Context, None))
    assert output == {"hex": hashlib.sha256(b"perdure").hexdigest()}


def layout() -> list[str]:
    """The paths in the tree of ARCHITECTURE.md: folders, and under each, indented, what is in it."""
    tree = re.split("```", (ROOT / "ARCHITECTURE.md").read_text().partition("## Where everything lives")[2])[1]
    paths: list[str] = []
    folder = ""
    for line in tree.strip().splitlines():
        names = re.split(r" {2,}", line.strip())[0].split()
        if not line.startswith(" "):
            folder = names[-1]
            paths += names
        else:
            paths += [folder + name for name in names]
    return paths


def leads(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(document: Path) -> set[str]:
    headings = HEADING.findall(document.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code_commands(document: Path) -> list[str]:
    code = re.findall(r"```.*?```|`[^`\n]+`", document.read_text(), re.DOTALL)
    return [command for piece in code for command in COMMAND.findall(piece)]


def targets() -> dict[str, str]:
    return dict(TARGET.findall((ROOT / "Makefile").read_text()))
