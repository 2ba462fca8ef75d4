"""Every piece of YAML in the guides can be published as it stands, without a warning."""

import re
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities import registry
from dag.checks.surroundings import Surroundings
from dag.documents import read
from dag.node import Activity
from dag.publish import Published, publish

ROOT = Path(__file__).parents[2]
GUIDES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
SECRETS = frozenset({"payments_key", "client_id"})
WHOLE = {"language": 1, "name": "piece"}
"""What a piece of a workflow leaves out."""


def pieces() -> list[tuple[str, str]]:
    """Every block of YAML, by the place where it begins."""
    return [(f"{guide.relative_to(ROOT)}:{line}", text) for guide in GUIDES for line, text in blocks(guide.read_text())]


def blocks(text: str) -> list[tuple[int, str]]:
    found = re.finditer(r"^```ya?ml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, block.start()) + 1, block[1]) for block in found]


@pytest.mark.parametrize("piece", [text for _, text in pieces()], ids=[place for place, _ in pieces()])
def test_what_the_guides_show_can_be_published(piece: str) -> None:
    document = read(piece, format="yaml")
    assert isinstance(document, dict)
    whole: dict[str, JsonValue] = {**WHOLE, **document}
    catalog = registry.catalog(registry.load())
    version = publish(whole, version=1, catalog=catalog, surroundings=Surroundings(secrets=SECRETS))
    assert not version.problems
    assert isinstance(version, Published)


def test_the_building_guide_has_pieces() -> None:
    assert len([place for place, _ in pieces() if place.startswith("docs/building.md")]) >= 15


def test_the_building_guide_names_every_field_of_a_node_that_runs() -> None:
    guide = (ROOT / "docs" / "building.md").read_text()
    fields = set(Activity.model_fields) - {"type", "queue"}
    assert not [field for field in fields if f"`{field}`" not in guide]


def test_every_guide_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    guides = [file.name for file in ROOT.glob("docs/*.md") if file.name != "README.md"]
    assert guides
    assert not [name for name in guides if f"({name})" not in index]
