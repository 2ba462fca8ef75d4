"""The exported JSON Schema: it fits what the language accepts, and says what an editor needs."""

from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema_rs import Draft202012Validator, meta

from dag.controls.words import WORDS
from dag.definition import parse
from dag.language_schema import language_schema
from tests.dag.everything import EVERYTHING, damaged

SCHEMA: Any = language_schema()
VALIDATOR = Draft202012Validator(SCHEMA, offline=True)


def fits(*, nodes: Any, **fields: Any) -> bool:
    return VALIDATOR.is_valid({"language": 1, "name": "example", "nodes": nodes, **fields})


def test_it_is_a_json_schema_of_draft_2020_12() -> None:
    meta.validate(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_everything_that_the_language_has_fits() -> None:
    assert VALIDATOR.is_valid(EVERYTHING)


@settings(deadline=None, max_examples=100)
@given(damaged())
def test_every_document_without_problems_fits(document: Any) -> None:
    assert parse(document).problems or VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "node",
    [
        {"type": "iff", "config": {"condition": "1"}},
        {"type": "if"},
        {"type": "if", "config": {"condition": True}},
        {"type": "if", "config": {"condition": "1"}, "retry": {}},
        {"type": "http.request", "retry": {"max_attempts": "5"}},
        {"type": "http.request", "title": None},
        {"type": "http.request", "needs": ["A"]},
        {"type": "http.request", "timeout": 5},
        {"type": "delay", "config": {}},
        {"type": "delay", "config": {"for": "1s", "until": "2030-01-01T00:00:00Z"}},
        {"type": "try", "config": {"body": {"nodes": {"x": {"type": "stop"}}}}},
        {"type": "switch", "config": {"cases": {"default": "1"}}},
        {"type": "set", "config": {"values": {"a-b": "1"}}},
        {"type": "split", "config": {"items": "a", "size": "2"}},
        {"type": "broken"},
    ],
)
def test_what_an_editor_can_see_to_be_wrong_does_not_fit(node: Any) -> None:
    assert not fits(nodes={"n": node})


def test_the_document_around_the_nodes_is_held_to_it() -> None:
    step = {"n": {"type": "stop"}}
    assert fits(nodes=step)
    assert not fits(nodes={})
    assert not fits(nodes={"Bad": {"type": "stop"}})
    assert not fits(nodes={"true": {"type": "stop"}})
    assert not fits(nodes=step, name="validate")
    assert not fits(nodes=step, language=2)
    assert not fits(nodes=step, setings={})


def test_nodes_are_told_apart_by_their_type() -> None:
    node = SCHEMA["$defs"]["Node"]
    assert node["discriminator"]["propertyName"] == "type"
    assert list(node["discriminator"]["mapping"]) == list(WORDS)
    for word, place in node["discriminator"]["mapping"].items():
        assert SCHEMA["$defs"][place.removeprefix("#/$defs/")]["properties"]["type"]["const"] == word


def test_every_field_has_a_title_and_every_part_a_description() -> None:
    for name, part in SCHEMA["$defs"].items():
        if "properties" in part:
            assert part["title"], name
            assert part["description"], name
            assert all("title" in field or "$ref" in field for field in part["properties"].values()), name


def test_every_field_of_a_config_is_described() -> None:
    for name, part in SCHEMA["$defs"].items():
        for field, described in part.get("properties", {}).items() if name.endswith("Config") else ():
            assert "description" in described, (name, field)


def test_expressions_and_templates_are_marked() -> None:
    fields = SCHEMA["$defs"]["ForEachConfig"]["properties"]
    assert fields["items"]["x-holds"] == "expression"
    assert fields["concurrency"]["x-holds"] == "template"
    assert "x-holds" not in fields["as"]


def test_type_comes_first_and_config_last_of_what_all_nodes_have() -> None:
    assert list(SCHEMA["$defs"]["If"]["properties"]) == [
        "type",
        "title",
        "description",
        "needs",
        "join",
        "when",
        "config",
        "timeout",
    ]
