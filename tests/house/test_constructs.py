"""Every construct of the language has a page, which shows an example as it stands in its file."""

import re
from pathlib import Path

import pytest

from dag.controls.words import WORDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted((DOCS / "constructs").glob("*.md"))
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)

BLOCK = re.compile(r"^```yaml\n(.*?)^```\n\n\[([a-z-]+)\]\(\.\./\.\./examples/\2\.yaml\)", re.DOTALL | re.MULTILINE)
REFERENCE = re.compile(r"\]\(\.\./reference/language\.md#([a-z_]+)\)")


@EACH
def test_a_page_shows_an_example_as_it_stands_in_its_file(page: Path) -> None:
    text = page.read_text()
    shown = BLOCK.findall(text)
    assert shown
    assert len(shown) == text.count("```yaml")
    assert not [name for block, name in shown if block != (ROOT / "examples" / f"{name}.yaml").read_text()]


@EACH
def test_a_page_is_in_the_index(page: Path) -> None:
    assert f"(constructs/{page.name})" in (DOCS / "README.md").read_text()


@EACH
def test_a_page_is_not_long(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 100


def test_every_control_word_has_a_page() -> None:
    shown = {word for page in PAGES for word in REFERENCE.findall(page.read_text())}
    assert shown - {"join", "compensate"} >= {*WORDS}
    assert shown >= {"join", "compensate"}
