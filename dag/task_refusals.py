"""Why a decision is refused."""

from dag.errors import PerdureError


class TaskUnknown(PerdureError):
    """There is no such task, or its node has not begun."""

    code = "approval.unknown"


class TaskClosed(PerdureError):
    """The task has ended; `details` tell how, as far as it is known."""

    code = "approval.closed"


class NotAssigned(PerdureError):
    """The task is for others: neither who decides nor one of their groups is among its assignees."""

    code = "approval.not_assigned"


class SelfRefused(PerdureError):
    """Who started an execution may not decide in it, unless the task has `allow_self`."""

    code = "approval.self"


class FormRefused(PerdureError):
    """What was filled in is not what the task asks for; `details` list the places."""

    code = "approval.form"


REFUSALS: tuple[type[PerdureError], ...] = (TaskUnknown, TaskClosed, NotAssigned, SelfRefused, FormRefused)
