"""The page on the activity types, from their declarations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from activities import registry
from activities.activity_type import AnyActivityType
from dag import durations
from dag.activity_type import Traits
from docs.generator.markdown import code, codes, page, sentence, table
from docs.generator.schemas import Book, Schema

OWN = "activities."
"""Where the types that ship are declared; what a plug-in adds on this machine is not written down."""


def activity_types() -> str:
    """Config and output of every type, what it says of itself, and how it runs."""
    types = [each for each in registry.load().values() if each.run.__module__.startswith(OWN)]
    return page(
        "Activity types",
        "What an activity node can do. `config` takes these fields, each of which may hold templates; unknown fields"
        " are refused. A config is checked when publishing, as far as it has no templates, and once more before the"
        " attempt (`config.invalid`). How often a failed attempt is tried again is what holds unless the node's `retry`"
        " says otherwise. A deployment's plug-ins may add more types.",
        table(
            ("type", "", "attempt", "effects", "attempts"),
            [(f"[`{each.name}`](#{each.name.replace('.', '')})", each.title, *_runs(each)) for each in types],
        ),
        *(text for each in types for text in _type(each)),
    )


def _runs(declared: AnyActivityType) -> tuple[str, str, str]:
    found = _by_config(declared)
    effects = _said(found, lambda traits: "yes" if traits.effects else "no")
    attempts = _said(found, lambda traits: "3" if traits.repeatable else "1")
    return durations.text(declared.timeout), effects, attempts


def _by_config(declared: AnyActivityType) -> Sequence[tuple[str, Traits]]:
    """What a type says of itself, by the one field whose words make a difference; else once."""
    properties: Mapping[str, Any] = declared.config.model_json_schema().get("properties", {})
    for name, field in properties.items():
        words: Sequence[JsonValue] = field.get("enum", ())
        found = [(str(word), declared.traits({name: word})) for word in words]
        if len({traits for _, traits in found}) > 1:
            return found
    return [("", declared.traits({}))]


def _said(found: Sequence[tuple[str, Traits]], say: Callable[[Traits], str]) -> str:
    words: dict[str, list[str]] = {}
    for word, traits in found:
        words.setdefault(say(traits), []).append(word)
    if len(words) == 1:
        return next(iter(words))
    return "; ".join(f"{answer}: {codes(which)}" for answer, which in words.items())


def _type(declared: AnyActivityType) -> Iterator[str]:
    config = declared.config.model_json_schema()
    output = declared.output.model_json_schema(mode="serialization")
    attempt, effects, attempts = _runs(declared)
    yield f"## {declared.name}"
    yield declared.spec.description
    yield "\n".join(
        (
            f"- Time for an attempt without `attempt_timeout`: {attempt}.",
            f"- Effects outside: {effects}. A node without effects may run again after a crash, and may run inside the"
            " interpreter's worker as a local activity.",
            f"- Attempts without `retry`: {attempts}.",
        )
    )
    yield f"### Config of {declared.name}"
    yield from _object(config)
    yield f"### Output of {declared.name}"
    yield from _object(output)


def _object(schema: Schema) -> Iterator[str]:
    book = Book(schema.get("$defs", {}))
    if "properties" not in schema:
        said = book.kind(schema)
        yield f"{said[0].upper()}{said[1:]}. {sentence(schema.get('description', ''))}".rstrip()
        return
    yield book.fields(schema)
    for name in book.referred(schema):
        part: Schema = book.definitions[name]
        if "properties" in part:
            yield f"**{_title(part)}.** {sentence(part.get('description', ''))}".rstrip()
            yield book.fields(part)


def _title(part: Schema) -> str:
    chosen = part["properties"].get("type", {}).get("const")
    return code(f"type: {chosen}") if chosen else str(part["title"])
