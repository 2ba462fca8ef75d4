"""Documents in and out: text to a JSON value and back, as YAML or as JSON."""

from typing import Literal

import orjson
from pydantic import JsonValue

from dag.errors import PerdureError
from dag.flaws import flaws
from dag.json_reading import read_json
from dag.limits import DEFAULTS, Limits
from dag.problems import Problem, told
from dag.yaml_reading import read_yaml
from dag.yaml_writing import write_yaml

Format = Literal["yaml", "json"]


class DocumentInvalid(PerdureError):
    """The text cannot be read as a document. The problems say where and why."""

    code = "document.invalid"

    def __init__(self, problems: tuple[Problem, ...]):
        self.problems = problems
        super().__init__(details=[problem.value() for problem in problems])


def read(text: str | bytes, *, format: Format, limits: Limits = DEFAULTS) -> JsonValue:
    """Read a document. Raises DocumentInvalid with every problem of the text itself."""
    plain = _plain(text, limits)
    value, problems = read_json(plain) if format == "json" else read_yaml(plain, limits=limits)
    problems += flaws(value, depth=limits.document_depth, values=limits.document_values)
    if problems:
        raise DocumentInvalid(told(problems))
    return value


def write(document: JsonValue, format: Format) -> str:
    """Write a document, in its order. Reading it again gives the same."""
    if format == "json":
        return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
    return write_yaml(document)


def _plain(text: str | bytes, limits: Limits) -> str:
    try:
        encoded = text.encode() if isinstance(text, str) else text
        plain = encoded.decode("utf-8-sig")
    except UnicodeError:
        raise _invalid("not_accepted", "The text is not UTF-8, or holds half a character (a lone surrogate).") from None
    if len(encoded) > limits.document_bytes:
        raise _invalid("limit", f"The document is larger than {limits.document_bytes} bytes.")
    return plain


def _invalid(code: str, message: str) -> DocumentInvalid:
    return DocumentInvalid((Problem(code, "", message),))
