"""Which activity types a deployment has, and which are refused."""

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import activities
from activities import registry
from activities.registry import ActivityTypeRefused, catalog, load
from tests.activities.contexts import contexts

TYPE = """
'''A type of somebody else's.'''
from datetime import timedelta
from pydantic import BaseModel
from activities.activity_type import ActivityType

class Config(BaseModel):
    shout: bool = False

class Output(BaseModel):
    text: str

async def run(config, context):
    '''Greet the world.'''
    return Output(text="HELLO" if config.shout else "hello")

TYPE = ActivityType(name={name!r}, title="Greet", config=Config, output=Output, run=run, timeout=timedelta(seconds=5))
"""


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """What is installed changes from test to test."""
    load.cache_clear()
    yield
    load.cache_clear()


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of imports, where a test may install what it likes."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]


def install(folder: Path, module: str, text: str, **entries: str) -> None:
    (folder / f"{module}.py").write_text(text)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = [f"{name.replace('__', '.')} = {target}" for name, target in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{registry.GROUP}]", *lines, ""]))


def test_every_file_of_a_family_is_found_by_its_place() -> None:
    folder = Path(activities.__path__[0])
    files = {f"{file.parent.name}.{file.stem}" for file in folder.glob("*/*.py") if file.stem != "__init__"}
    assert set(load()) == files
    assert {"http.request", "code.python"} <= files


def test_a_plug_in_adds_a_type_by_an_entry_point(plug_in: Path) -> None:
    install(plug_in, "acme_greet", TYPE.format(name="acme.greet"), acme__greet="acme_greet:TYPE")
    types = load()
    assert types["acme.greet"].title == "Greet"
    spec = catalog(types)["acme.greet"]
    assert (spec.name, spec.description) == ("acme.greet", "Greet the world.")
    assert spec.traits({}).effects  # a type that says nothing is taken to change the world


async def test_a_type_of_a_plug_in_runs_like_ours(plug_in: Path) -> None:
    install(plug_in, "acme_greet", TYPE.format(name="acme.greet"), acme__greet="acme_greet:TYPE")
    async with contexts() as (context, _):
        assert await load()["acme.greet"].attempt({"shout": True}, context) == {"text": "HELLO"}


@pytest.mark.parametrize(
    ("name", "entry", "why"),
    [
        ("acme.greet", "acme__other", "its place says"),
        ("http.request", "http__request", "another activity type"),
        ("perdure.greet", "perdure__greet", "belongs to the product"),
        ("greet", "greet", "family.name"),
        ("Acme.greet", "Acme__greet", "family.name"),
        ("acme.greet.twice", "acme__greet__twice", "family.name"),
    ],
)
def test_a_type_that_is_not_what_its_place_says_is_refused(plug_in: Path, name: str, entry: str, why: str) -> None:
    install(plug_in, "acme_greet", TYPE.format(name=name), **{entry: "acme_greet:TYPE"})
    with pytest.raises(ActivityTypeRefused, match=why):
        load()


def test_what_is_no_activity_type_is_refused(plug_in: Path) -> None:
    install(plug_in, "acme_greet", "TYPE = 'acme.greet'", acme__greet="acme_greet:TYPE")
    with pytest.raises(ActivityTypeRefused, match="declares no ActivityType"):
        load()


def test_a_family_file_without_a_declaration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_family").mkdir()
    (tmp_path / "acme_family" / "__init__.py").touch()
    (tmp_path / "acme_family" / "greet.py").write_text("")
    monkeypatch.setattr(activities, "__path__", [*activities.__path__, str(tmp_path)])
    try:
        with pytest.raises(ActivityTypeRefused, match=r"activities\.acme_family\.greet declares no"):
            load()
    finally:
        for name in [name for name in sys.modules if name.startswith("activities.acme_family")]:
            del sys.modules[name]


def test_two_plug_ins_with_one_name_are_refused(plug_in: Path) -> None:
    for module in ("acme_one", "acme_two"):
        install(plug_in, module, TYPE.format(name="acme.greet"), acme__greet=f"{module}:TYPE")
    assert len(entry_points(group=registry.GROUP)) == 2
    with pytest.raises(ActivityTypeRefused, match="another activity type"):
        load()


def test_what_is_found_cannot_be_changed() -> None:
    types = load()
    with pytest.raises(TypeError):
        types["more.types"] = types["http.request"]  # type: ignore[index]
    with pytest.raises(TypeError):
        catalog(types)["more.types"] = catalog(types)["http.request"]  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(load()))
def test_every_type_explains_itself(name: str) -> None:
    spec = catalog(load())[name]
    assert spec.title
    assert spec.description
    assert spec.timeout.total_seconds() > 0
    for schema in (spec.config_schema, spec.output_schema):
        jsonschema_rs.meta.validate(dict(schema))
    for schema in _objects(dict(spec.config_schema)):
        assert schema.get("additionalProperties") is False, "a misspelt field must not pass"
        silent = [
            field
            for field, shape in schema["properties"].items()
            if not shape.get("description") and "const" not in shape
        ]
        assert not silent, "forms and docs are made of the descriptions"


def _objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [schema, *schema.get("$defs", {}).values()]
    return [part for part in found if part.get("type") == "object" and "properties" in part]
