"""Temporal payloads as its own tools send them: protobuf written as JSON, names and all."""

from collections.abc import Sequence
from typing import Annotated

from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from temporalio.api.common.v1 import Payload, Payloads

from api.problems import RequestInvalid

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/_-]*={0,2}$", json_schema_extra={"format": "byte"})]


class ExternalBody(BaseModel):
    """How large a payload is that is kept outside the history."""

    model_config = ConfigDict(extra="forbid")

    sizeBytes: Annotated[str, Field(pattern=r"^[0-9]{1,15}$")] = "0"
    """Protobuf leaves it out when it is nothing."""


class PayloadBody(BaseModel):
    """One payload."""

    model_config = ConfigDict(extra="forbid")

    metadata: dict[str, Base64] = {}
    data: Base64 = ""
    externalPayloads: list[ExternalBody] = []


class PayloadsBody(BaseModel):
    """Some payloads."""

    model_config = ConfigDict(extra="forbid")

    payloads: list[PayloadBody] = []


def read(body: PayloadsBody) -> Sequence[Payload]:
    """The payloads that a body holds."""
    try:
        return json_format.ParseDict(body.model_dump(), Payloads()).payloads
    except json_format.ParseError:
        message = "The metadata and the data of each payload must be base64."
        problem: JsonValue = {"code": "invalid_payload", "in": "body", "path": "/payloads", "message": message}
        raise RequestInvalid([problem]) from None


def written(payloads: Sequence[Payload]) -> PayloadsBody:
    """The body that holds payloads."""
    return PayloadsBody.model_validate(json_format.MessageToDict(Payloads(payloads=payloads)))
