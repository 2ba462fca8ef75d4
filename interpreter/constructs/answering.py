"""Who may decide in a task, and with what: everything for which a decision is refused."""

from dataclasses import asdict, replace
from typing import cast

import orjson
from pydantic import JsonValue

from dag.errors import PerdureError
from dag.inputs import InputInvalid, accepted
from dag.limits import DEFAULTS
from dag.problems import Problem
from dag.task_messages import Decided, Decision
from dag.task_refusals import FormRefused, NotAssigned, SelfRefused, TaskClosed
from interpreter.constructs.asking import Asking, decided, overdue

LARGEST_VALUES = 256 * 1024
"""Bytes of what is filled in: it is read within one workflow task, among others."""
LONGEST_COMMENT = 10_000
LONGEST_NAME = 500
_LIMITS = replace(DEFAULTS, payload_values=20_000)
_MOST_WORK = 2_000_000
"""Subschemas asked of all parts of what is filled in: less than a tenth of a second."""


def check(state: Asking, decision: Decision, *, started_by: str | None, now: float) -> None:
    """Raises what a decision is refused with."""
    ending = overdue(state, now)
    if ending is not None:
        raise closed(decided(state.path, state.votes, ending))
    if not state.allow_self and decision.by == started_by:
        raise SelfRefused
    if not state.anybody and state.assignees and {decision.by, *decision.groups}.isdisjoint(state.assignees):
        raise NotAssigned
    if max(len(decision.by), *map(len, decision.groups), 0) > LONGEST_NAME:
        raise _wrong("invalid_value", "/by", f"A name has at most {LONGEST_NAME} characters.")
    if decision.comment is not None and len(decision.comment) > LONGEST_COMMENT:
        raise _wrong("limit", "/comment", f"A comment has at most {LONGEST_COMMENT:,} characters.")
    if (decision.verdict is None) == (state.word == "approval"):
        message = "An approval asks for `approve` or `reject`." if state.word == "approval" else "This asks for none."
        raise _wrong("invalid_value", "/verdict", message)
    _check_values(state, decision)


def closed(outcome: Decided) -> TaskClosed:
    """The refusal of a vote that comes too late."""
    ended = {"rejected": "rejected", "approved": "approved", "answered": "answered", "cancelled": "cancelled"}
    how = ended.get(outcome.status, "closed by its deadline")
    whose = f" by {outcome.by}" if outcome.by is not None else ""
    return TaskClosed(f"The task has been {how}{whose} at {outcome.at}.", details=cast(JsonValue, told(outcome)))


def told(outcome: Decided) -> dict[str, JsonValue]:
    """The outcome as JSON."""
    return {**asdict(outcome), "votes": [asdict(each) for each in outcome.votes]}


def _check_values(state: Asking, decision: Decision) -> None:
    if len(orjson.dumps(decision.values)) > LARGEST_VALUES:
        raise _wrong("limit", "/values", f"What is filled in has at most {LARGEST_VALUES:,} bytes.")
    if decision.values is None and (state.form is None or decision.verdict == "reject"):
        return
    try:
        form = state.form if isinstance(state.form, dict) else {}
        accepted(decision.values, form, limits=_LIMITS, most_work=_MOST_WORK)
    except InputInvalid as wrong:
        raise _refused(wrong) from None


def _refused(wrong: InputInvalid) -> PerdureError:
    return FormRefused(details=[replace(each, path="/values" + each.path).value() for each in wrong.problems])


def _wrong(code: str, path: str, message: str) -> FormRefused:
    return FormRefused(message, details=[Problem(code, path, message).value()])
