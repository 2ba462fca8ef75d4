"""A draft: a document that may be incomplete and wrong, as long as it has the name of a workflow."""

from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter, ValidationError

from dag.definition import DOCUMENT_ORDER
from dag.errors import PerdureError
from dag.names import WorkflowName
from dag.problems import Problem

Document = dict[str, JsonValue]

_NAME: TypeAdapter[str] = TypeAdapter(WorkflowName)
_MOST_LABELS = 64
_LONGEST = 200


class DefinitionInvalid(PerdureError):
    """The definition has errors. The problems say where and why."""

    code = "definition.invalid"

    def __init__(self, problems: tuple[Problem, ...]):
        self.problems = problems
        super().__init__(details=[problem.value() for problem in problems])


@dataclass(frozen=True)
class Draft:
    """A document, and what lists show of it."""

    name: str
    title: str | None
    labels: dict[str, str]
    document: Document


def draft(document: JsonValue) -> Draft:
    """Take a document as a draft. Raises DefinitionInvalid when it has no name that a workflow can have."""
    if not isinstance(document, dict):
        raise DefinitionInvalid((Problem("wrong_type", "", "A workflow is an object."),))
    title, labels = document.get("title"), document.get("labels")
    return Draft(
        name=_name(document),
        title=title[:_LONGEST] if isinstance(title, str) else None,
        labels=_labels(labels) if isinstance(labels, dict) else {},
        document=document,
    )


def described(document: Document, **fields: JsonValue) -> Document:
    """The document with other descriptive fields, in the order in which documents are written. None takes one away."""
    changed = {key: value for key, value in {**document, **fields}.items() if value is not None or key not in fields}
    ordered = [key for key in DOCUMENT_ORDER if key in changed]
    return {key: changed[key] for key in (*ordered, *(key for key in changed if key not in ordered))}


def _name(document: Document) -> str:
    if "name" not in document:
        raise DefinitionInvalid((Problem("missing_field", "/name", "`name` is missing."),))
    try:
        return _NAME.validate_python(document["name"], strict=True)
    except ValidationError as wrong:
        (error,) = wrong.errors()
        context = error.get("ctx", {})
        message = context.get("message", "Expected text.")
        code = error["type"] if context else "wrong_type"
        raise DefinitionInvalid((Problem(code, "/name", message, context.get("hint") or None),)) from None


def _labels(labels: Document) -> dict[str, str]:
    words = ((key[:_LONGEST], value[:_LONGEST]) for key, value in labels.items() if isinstance(value, str))
    return dict(word for word, _ in zip(words, range(_MOST_LABELS), strict=False))
