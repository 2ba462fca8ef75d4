"""How values become Temporal payloads: JSON, sealed for their tenant, the large ones kept outside the history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

import orjson
from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.common import RawValue
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    ExternalStorage,
    JSONPlainPayloadConverter,
    PayloadConverter,
    SerializationContext,
    StorageDriver,
    StorageDriverSelectContext,
    WithSerializationContext,
)
from temporalio.exceptions import ApplicationError

from dag.invocation import CACHED
from dag.json_writing import written
from interpreter.payloads import json_payload
from runtime.codec import OUTSIDE, TenantCodec, whose
from runtime.storage import THRESHOLD
from store.sealing import Keyring

MOST_TENANTS = 1_000
"""Whose converters are kept."""
SMALL = 4 * 1024
"""Payloads of fewer bytes always stay in the history."""


def data_converter(storage: StorageDriver, keyring: Keyring) -> DataConverter:
    """What every client, worker and replayer of one environment must use alike."""

    def driver(_: StorageDriverSelectContext, payload: Payload) -> StorageDriver | None:
        return storage if payload.ByteSize() >= THRESHOLD or OUTSIDE in payload.metadata else None

    return TenantConverter(
        payload_converter_class=Payloads,
        payload_codec=TenantCodec(keyring),
        failure_converter_class=Failures,
        external_storage=ExternalStorage(drivers=[storage], driver_selector=driver, payload_size_threshold=SMALL),
    )


@dataclass(frozen=True)
class TenantConverter(DataConverter):
    """A converter that is made once for each tenant. Temporal's own makes all of its parts anew, several times for each
    activity."""

    _of: dict[str, "TenantConverter"] = field(
        default_factory=dict[str, "TenantConverter"], init=False, repr=False, compare=False
    )

    def with_context(self, context: SerializationContext) -> "TenantConverter":
        """The same for the tenant of a workflow: nothing else here depends on the context."""
        tenant = whose(context)
        found = self._of.get(tenant)
        if found is None:
            if len(self._of) >= MOST_TENANTS:
                self._of.clear()
            found = self._of[tenant] = self._made(context)
        return found

    def _made(self, context: SerializationContext) -> "TenantConverter":
        codec = self.payload_codec
        if not isinstance(codec, WithSerializationContext):
            return self
        theirs = codec.with_context(context)
        return self if theirs is codec else replace(self, payload_codec=theirs)


def raw(text: bytes, *, outside: bool = False, cached: bool = False) -> RawValue:
    """JSON text as a value that is written already; `outside` the history unless it is small, even if not large. That
    it was `cached` is said in its metadata."""
    payload = json_payload(text)
    if outside and len(text) >= SMALL:
        payload.metadata[OUTSIDE] = b""
    if cached:
        payload.metadata[CACHED] = b"1"
    return RawValue(payload)


class Json(EncodingPayloadConverter):
    """JSON by orjson: a third of Pydantic's time to write, two thirds to read, and it reads what is nested 1,000 deep.
    Pydantic's own reader stops at 200: a value that could be written but not read again would block its execution for
    ever."""

    @property
    def encoding(self) -> str:
        """The name that Temporal's own tools know for plain JSON."""
        return "json/plain"

    def to_payload(self, value: Any) -> Payload:
        """Write any JSON value, dataclass or Pydantic model."""
        return json_payload(written(value))

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Read as the given type, or as plain JSON."""
        if type_hint is None or type_hint is Any:
            return orjson.loads(payload.data)
        return _validator(type_hint)(orjson.loads(payload.data))


_USUAL = DefaultPayloadConverter.default_encoding_payload_converters
_JSON = Json()
_ENCODINGS = CompositePayloadConverter(
    *(_JSON if isinstance(each, JSONPlainPayloadConverter) else each for each in _USUAL)
).converters
_SURELY_JSON = frozenset({dict, list, str, bool, int, float})


class Payloads(CompositePayloadConverter):
    """Temporal's converters for bytes, protobuf and nothing, with JSON by ours."""

    def __init__(self):
        # Temporal makes several of these for each activity, all alike.
        super().__init__()
        self.converters = _ENCODINGS

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Write values, most of them without asking each converter in turn."""
        return [self._payload(value) for value in values]

    def _payload(self, value: Any) -> Payload:
        kind = cast(type, value.__class__)
        if kind is RawValue:
            return value.payload
        return _JSON.to_payload(value) if kind in _SURELY_JSON else super().to_payloads([value])[0]


class Failures(DefaultFailureConverter):
    """Failures whose messages are sealed like payloads, and opened like them by Temporal's Web UI. Their type, which is
    the error's code, stays readable. What failed as it should has no stack trace: it would only name our own files."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Write an exception into a Temporal failure."""
        super().to_failure(exception, payload_converter, failure)
        trace = "" if isinstance(exception, ApplicationError) else failure.stack_trace
        told = payload_converter.to_payload({"message": failure.message, "stack_trace": trace})
        failure.encoded_attributes.CopyFrom(told)
        failure.message, failure.stack_trace = "Encoded failure", ""


@lru_cache(maxsize=1024)
def _validator(type_hint: type) -> Callable[[Any], Any]:
    return TypeAdapter(type_hint).validate_python
