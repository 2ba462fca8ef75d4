"""The page on the API, from its OpenAPI document."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from api.app import app
from docs.generator.markdown import anchor, code, page, sentence, table
from docs.generator.schemas import Book, Schema, default
from runtime.settings import Settings

METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = "Problem"


def api() -> str:
    """Every operation with what it takes and what it answers."""
    document: Mapping[str, Any] = app(Settings()).openapi()
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    book = Book(schemas, {name: _heading(name) for name in schemas if "properties" in schemas[name]})
    operations = [
        (f"{method.upper()} {path}", path, operations[method])
        for path, operations in document["paths"].items()
        for method in METHODS
        if method in operations
    ]
    return page(
        "API",
        document["info"]["description"],
        f"Every answer with a status of 400 or more is a [{PROBLEM}](#{anchor(PROBLEM)}); the codes are on"
        " [a page of their own](errors.md). A running API describes itself at `/api/openapi.json`, and on a page for"
        " people at `/api/docs`.",
        table(
            ("operation", ""),
            [(f"[`{name}`](#{anchor(name)})", sentence(_first(operation))) for name, _, operation in operations],
        ),
        "## Operations",
        *(text for name, _, operation in operations for text in _operation(book, name, operation)),
        "## Shapes",
        "What bodies are made of.",
        *(text for name in sorted(book.headings) for text in _shape(book, name)),
    )


def _heading(name: str) -> str:
    """`PageOut_WorkflowOut_` is how OpenAPI names a page of workflows."""
    return re.sub(r"_(\w+?)_$", r" of \1", name)


def _first(operation: Schema) -> str:
    return str(operation.get("description") or operation.get("summary") or "").split("\n\n")[0]


def _operation(book: Book, name: str, operation: Schema) -> Iterator[str]:
    yield f"### {name}"
    yield operation.get("description") or sentence(operation.get("summary", ""))
    yield table(("parameter", "in", "holds", "default", "meaning"), _parameters(book, operation))
    if "requestBody" in operation:
        yield f"Body: {_content(book, operation['requestBody'])}."
    yield table(("status", "answer"), _answers(book, operation))


def _parameters(book: Book, operation: Schema) -> Iterator[tuple[str, ...]]:
    for each in operation.get("parameters", ()):
        schema: Schema = each.get("schema", {})
        given = "needed" if each.get("required") else default(schema)
        meaning = sentence(each.get("description") or schema.get("description") or "")
        yield code(each["name"]), each["in"], book.kind(schema), given, meaning


def _answers(book: Book, operation: Schema) -> Iterator[tuple[str, str]]:
    refused: list[str] = []
    for status, each in operation["responses"].items():
        if status.isdecimal() and int(status) >= HTTPStatus.BAD_REQUEST and _is_problem(each):
            refused.append(status)
            continue
        said = sentence(each.get("description", ""))
        headers = "".join(
            f" Header {code(header)}: {sentence(about.get('description', ''))}"
            for header, about in each.get("headers", {}).items()
        )
        yield code(status), f"{said} {_content(book, each)}{headers}".strip()
    if refused:
        yield ", ".join(code(status) for status in sorted(refused)), f"[{PROBLEM}](#{anchor(PROBLEM)})"


def _is_problem(answer: Schema) -> bool:
    return all(each.get("schema", {}).get("$ref", "").endswith(f"/{PROBLEM}") for each in answer["content"].values())


def _content(book: Book, part: Schema) -> str:
    found = {kind: book.kind(each.get("schema", {})) for kind, each in part.get("content", {}).items()}
    if set(found) <= {"application/json"}:
        return "".join(found.values())
    return " or ".join(dict.fromkeys(found.values())) + f" ({', '.join(found)})"


def _shape(book: Book, name: str) -> Iterator[str]:
    shape: Schema = book.definitions[name]
    yield f"### {book.headings[name]}"
    yield sentence(shape.get("description", ""))
    yield book.fields(shape)
