"""The names that a document gives and uses: the form of each kind, and the words that are kept."""

import re
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from dag.part import wrong

ROOTS = ("input", "nodes", "vars", "loop", "error", "event", "output", "env", "execution", "secrets")
"""The names that expressions start from. Those of loop items and caught errors are beside them."""

RESERVED_WORKFLOWS = (
    "executions",
    "validate",
    "import",
    "webhooks",
    "analytics",
    "monitoring",
    "templates",
    "test",
)
RESERVED_IDS = ("true", "false", "null")
RESERVED_CASES = ("default", "error", "out")

WORKFLOW_NAME = r"^[a-z][a-z0-9-]{0,62}$"
ID = r"^[a-z][a-z0-9_]{0,62}$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
EDGE = r"^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62})?$"
ACTIVITY_TYPE = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
ERROR_CODE = r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)*$"
USER_CODE = r"^user(\.[A-Za-z0-9_-]+)+$"
ASSIGNEE = r"^(user|group|role):.+$"
MASK = r"^(/([^~/]|~[01])*)*$"


class Named:
    """Text of one form, refused in words of its own."""

    def __init__(self, pattern: str, what: str, hint: str, *, reserved: tuple[str, ...] = ()):
        self._pattern = pattern
        self._form = re.compile(pattern.removesuffix("$") + r"\Z", re.ASCII)
        self._what = what
        self._hint = hint
        self._reserved = reserved

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        kept: JsonSchemaValue = {"not": {"enum": list(self._reserved)}} if self._reserved else {}
        return {**handler(schema), "pattern": self._pattern, **kept}

    def _check(self, text: str) -> str:
        if not self._form.match(text):
            raise wrong("invalid_value", f"This is not {self._what}.", self._hint)
        if text in self._reserved:
            names = ", ".join(f"`{name}`" for name in self._reserved)
            raise wrong("reserved_name", f"`{text}` is kept for something else.", f"Kept names: {names}.")
        return text


_ID_HINT = "It begins with a small letter and goes on with at most 62 small letters, digits and `_`."
_NAME_HINT = "It begins with a small letter and goes on with at most 62 small letters, digits and `-`."
_VARIABLE_HINT = "It is at most 63 letters, digits and `_`, and does not begin with a digit."
_KEPT_FROM_CAUGHT = (*(root for root in ROOTS if root != "error"), *RESERVED_IDS)

WorkflowName = Annotated[str, Named(WORKFLOW_NAME, "the name of a workflow", _NAME_HINT, reserved=RESERVED_WORKFLOWS)]
NodeId = Annotated[str, Named(ID, "an id", _ID_HINT, reserved=RESERVED_IDS)]
CaseName = Annotated[str, Named(ID, "the name of a case", _ID_HINT, reserved=RESERVED_CASES + RESERVED_IDS)]
BranchName = Annotated[str, Named(ID, "the name of a branch", _ID_HINT)]
ItemName = Annotated[str, Named(ID, "a name for the item", _ID_HINT, reserved=ROOTS + RESERVED_IDS)]
CaughtName = Annotated[str, Named(ID, "a name for the error", _ID_HINT, reserved=_KEPT_FROM_CAUGHT)]
VariableName = Annotated[str, Named(VARIABLE, "the name of a variable", _VARIABLE_HINT, reserved=RESERVED_IDS)]
EdgeText = Annotated[str, Named(EDGE, "an edge", "Write the id of a node, or `id.port`.")]
ActivityTypeName = Annotated[str, Named(ACTIVITY_TYPE, "an activity type", "Activity types are written `family.name`.")]
ErrorCode = Annotated[str, Named(ERROR_CODE, "an error code", "Codes are words with dots, such as `http.503`.")]
UserErrorCode = Annotated[str, Named(USER_CODE, "a code of your own", "It begins with `user.`: `user.not_paid`.")]
Assignee = Annotated[str, Named(ASSIGNEE, "an assignee", "Write `user:…`, `group:…` or `role:…`.")]
MaskPointer = Annotated[str, Named(MASK, "a JSON pointer", "Write `/body/token`; `*` stands for every key or item.")]
