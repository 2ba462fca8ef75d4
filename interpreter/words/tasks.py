"""What an `approval` or `ask` asks for, once its config is rendered: checked, bounded, times in seconds."""

import re
from collections.abc import Mapping

import orjson
from pydantic import JsonValue

from dag.inputs import schema_problems
from dag.names import ASSIGNEE
from interpreter.words.config import ConfigInvalid, duration, is_whole

LONGEST_TITLE = 1_000
LARGEST_TEXT = 64 * 1024
"""Characters of a description, bytes of a form: they are kept with the execution for as long as it waits."""
MOST = 1_000
"""Assignees, approvals, reminders, escalations."""

_ASSIGNEE = re.compile(ASSIGNEE)


def asked(config: Mapping[str, JsonValue], *, timeout_wired: bool) -> dict[str, JsonValue]:
    """Check all of it. Raises ConfigInvalid."""
    on_timeout = config.get("on_timeout", "port")
    if on_timeout not in ("port", "fail", "approve", "reject"):
        raise ConfigInvalid("`on_timeout` is one of: port, fail, approve, reject.")
    if on_timeout == "port" and not timeout_wired:
        on_timeout = "fail"
    return {
        "title": _title(config.get("title")),
        "description": _description(config.get("description")),
        "form": _form(config.get("form")),
        "assignees": _assignees(config.get("assignees"), "assignees"),
        "required": _required(config.get("required", 1)),
        "allow_self": _allow_self(config.get("allow_self", False)),
        "due": None if config.get("due") is None else _span(config["due"], "due"),
        "reminders": [_span(each, "reminders") for each in _list(config.get("reminders"), "reminders")],
        "escalations": [_escalation(each) for each in _list(config.get("escalate"), "escalate")],
        "on_timeout": on_timeout,
    }


def _title(value: JsonValue) -> str:
    if isinstance(value, bool | int | float):
        value = str(orjson.dumps(value), "ascii")
    if not isinstance(value, str) or not value or len(value) > LONGEST_TITLE:
        raise ConfigInvalid(f"`title` is text of 1 to {LONGEST_TITLE:,} characters.")
    return value


def _description(value: JsonValue) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) <= LARGEST_TEXT):
        raise ConfigInvalid(f"`description` is text of at most {LARGEST_TEXT:,} characters.")
    return value


def _form(value: JsonValue) -> JsonValue:
    if value is None:
        return None
    if not isinstance(value, dict) or len(orjson.dumps(value)) > LARGEST_TEXT:
        raise ConfigInvalid(f"`form` is a JSON Schema of at most {LARGEST_TEXT:,} bytes.")
    problems = schema_problems(value)
    if problems:
        raise ConfigInvalid("`form` is no JSON Schema.", details=[problem.value() for problem in problems])
    return value


def _assignees(value: JsonValue, field: str) -> JsonValue:
    listed = _list(value, field)
    if any(not isinstance(one, str) or not _ASSIGNEE.fullmatch(one) for one in listed):
        raise ConfigInvalid(f"`{field}` are written `user:…`, `group:…` or `role:…`.")
    return listed


def _required(value: JsonValue) -> int:
    if not is_whole(value, least=1) or value > MOST:
        raise ConfigInvalid(f"`required` is a whole number from 1 to {MOST:,}.")
    return value


def _allow_self(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise ConfigInvalid("`allow_self` is true or false.")
    return value


def _escalation(value: JsonValue) -> JsonValue:
    if not isinstance(value, dict):
        raise ConfigInvalid("An escalation has `after` and `to`.")
    to = _assignees(value.get("to"), "to")
    if not to:
        raise ConfigInvalid("`to` of an escalation names somebody.")
    return {"after": _span(value.get("after"), "after"), "to": to}


def _list(value: JsonValue, field: str) -> list[JsonValue]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST:
        raise ConfigInvalid(f"`{field}` is a list of at most {MOST:,}.")
    return value


def _span(value: JsonValue, field: str) -> float:
    seconds = duration(value, field)
    if not seconds:
        raise ConfigInvalid(f"`{field}` must be longer than nothing.")
    return seconds
