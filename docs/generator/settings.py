"""The page on settings, from the class that reads them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic_core import PydanticUndefined

from docs.generator.attributes import attribute_docs
from docs.generator.markdown import code, page, sentence, table
from docs.generator.schemas import Book
from runtime.settings import Settings


def settings() -> str:
    """Every environment variable, what it may hold, and its default."""
    return page(
        "Settings",
        "Environment variables, read once when a process starts. A value that cannot be used keeps the process from"
        " starting and is named, without the value. `perdure up` sets those that the processes it starts need.",
        table(("variable", "holds", "default", "meaning"), _settings()),
    )


def _settings() -> Iterator[tuple[str, str, str, str]]:
    schema: Mapping[str, Any] = Settings.model_json_schema()
    book = Book(schema.get("$defs", {}))
    meaning = attribute_docs(Settings)
    for name, field in Settings.model_fields.items():
        match field.get_default(call_default_factory=True):
            case timedelta() as span:
                default = code(f"{span.total_seconds():g}")
            case value if value is PydanticUndefined or value is None or value == ():
                default = ""
            case value:
                default = code(str(value))
        yield code(f"PERDURE_{name.upper()}"), book.kind(schema["properties"][name]), default, sentence(meaning[name])
