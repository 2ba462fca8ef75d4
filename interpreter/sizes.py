"""How much a node may yield: refused where it is computed, since nothing catches it later."""

import orjson
from pydantic import JsonValue

from dag.crowding import crowded
from dag.errors import PerdureError
from dag.limits import DEFAULTS
from dag.nesting import written


class PayloadTooLarge(PerdureError):
    """What the node yields is larger, or nested deeper, than an execution keeps."""

    code = "payload.too_large"


def check_size(value: JsonValue) -> None:
    """Refuse what could not be carried on. Here, since nothing catches it later."""
    if not isinstance(value, dict | list | str):
        return
    try:
        text = written(value, levels=DEFAULTS.document_depth)
    except TypeError:
        message = f"What the node yields is nested deeper than {DEFAULTS.document_depth} levels."
        raise PayloadTooLarge(message) from None
    if len(text) > DEFAULTS.payload_bytes:
        raise PayloadTooLarge(f"What the node yields has more than {DEFAULTS.payload_bytes} bytes of JSON.")
    if crowded(text):
        raise PayloadTooLarge(f"What the node yields has more than {DEFAULTS.payload_values} values.")


def check_written(text: bytes) -> None:
    """The same of what is JSON text already."""
    if len(text) > DEFAULTS.payload_bytes:
        raise PayloadTooLarge(f"What the node yields has more than {DEFAULTS.payload_bytes} bytes of JSON.")
    if len(text) > DEFAULTS.payload_values or text.count(b"[") + text.count(b"{") > DEFAULTS.document_depth:
        check_size(orjson.loads(text))
