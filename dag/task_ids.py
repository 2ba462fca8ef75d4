"""Ids of tasks: they say where a task is asked, so that nobody has to look it up."""

import base64
import binascii
import re
from dataclasses import dataclass

from dag.task_refusals import TaskUnknown

PREFIX = "task_"
LONGEST = 4_000
"""Characters; a path of the deepest nesting is shorter."""
_PARTS = re.compile(r"(ex_[0-9a-f]{32})\n([1-9][0-9]{0,8})\n([a-z][a-z0-9_.\[\]]*)")


@dataclass(frozen=True)
class TaskPlace:
    """Where a task is asked."""

    execution: str
    attempt: int
    path: str


def task_id(place: TaskPlace) -> str:
    """The id of a task."""
    text = f"{place.execution}\n{place.attempt}\n{place.path}"
    return PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def task_place(id: str) -> TaskPlace:
    """Where the task of an id is asked. Raises TaskUnknown for what no task has: there is one id for each."""
    encoded = id.removeprefix(PREFIX)
    if encoded == id or len(id) > LONGEST:
        raise TaskUnknown
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise TaskUnknown from None
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise TaskUnknown
    place = TaskPlace(parts[1], int(parts[2]), parts[3])
    if task_id(place) != id:
        raise TaskUnknown
    return place
