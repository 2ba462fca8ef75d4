"""What workflows look like from outside."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.problems import Flaw
from dag.names import WORKFLOW_NAME

TAG = r"^[a-z][a-z0-9._-]{0,62}$"
EXAMPLE: JsonValue = {
    "language": 1,
    "name": "greeting",
    "input": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    "nodes": {"greet": {"type": "set", "config": {"text": "Hello ${{ input.name }}"}}},
}
_DOCUMENT: JsonValue = {
    "type": "object",
    "description": "A workflow in the workflow language. A draft may be incomplete; only its name must be there.",
    "required": ["name"],
    "properties": {"name": {"type": "string", "pattern": WORKFLOW_NAME}},
    "additionalProperties": True,
}
DOCUMENT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _DOCUMENT, "example": EXAMPLE},
            "application/yaml": {"schema": _DOCUMENT, "example": EXAMPLE},
        },
    }
}
"""Of the routes that take a definition."""


class WorkflowOut(BaseModel):
    """A workflow."""

    id: str
    name: str
    title: str | None
    labels: dict[str, str]
    revision: int
    """Of its draft."""
    version: int | None
    """Its newest published version."""
    created_at: datetime
    updated_at: datetime


class MadeOut(WorkflowOut):
    """A workflow that was made, and what is doubtful about it when it was published too."""

    problems: list[Flaw]


class DescriptionIn(BaseModel):
    """What a workflow says of itself. What is left out stays; null takes away."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(max_length=200)] | None = None
    labels: dict[str, str] | None = None


class DraftOut(BaseModel):
    """The draft of a workflow."""

    revision: int
    document: dict[str, JsonValue]
    created_at: datetime


class ReviewOut(BaseModel):
    """Everything that is wrong with a definition, and what is doubtful."""

    valid: bool
    """Whether nothing is wrong."""
    problems: list[Flaw]


class VersionOut(BaseModel):
    """A published version."""

    version: int
    hash: str
    """Of its content without the layout: equal versions have equal hashes."""
    created_at: datetime


class VersionDocumentOut(VersionOut):
    """A published version as it was written."""

    document: dict[str, JsonValue]


class PublicationOut(VersionOut):
    """What publishing came to."""

    created: bool
    """False: nothing has changed since the newest version, which this is."""
    problems: list[Flaw]
    """What is doubtful; no errors."""


class TagIn(BaseModel):
    """What a tag shall name."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=999_999_999)]


class TagOut(BaseModel):
    """A tag, and the version that it names."""

    tag: str
    version: int
    updated_at: datetime
